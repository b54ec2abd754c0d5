//! Coalescing: one statement for many callers.
//!
//! Each kind of statement has a lane. A batch is whatever queued in it while the previous one was in flight: a single
//! caller waits for nothing, and under load one round trip and one sync of the disk serve many. The callers do not
//! know. One that goes away does not stop its write.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use saga::Random;
use saga::store::Error;
use tokio::sync::mpsc::error::SendTimeoutError;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tracing::{debug, warn};

use super::error::Failure;

/// Members of one statement.
const BATCH: usize = 128;
/// Members that may wait; more callers wait to be let in.
const QUEUE: usize = 1024;
/// How long a member may wait to be let in. One that is not let in is not sent.
const ENTRY: Duration = Duration::from_secs(4);
/// A member that has waited for so long is not sent any more: its caller has given up.
const LATE: Duration = Duration::from_secs(5);
/// How often a statement that collided with another is sent again.
const COLLISIONS: u32 = 5;
/// Before it is sent again: longer each time, and jittered, as two that have collided must not meet again.
const PAUSE: Duration = Duration::from_millis(10);

/// A kind of statement that works on many members at once.
#[async_trait]
pub(super) trait Batch: Send + Sync + 'static {
    /// What a caller brings.
    type Member: Send + Sync + 'static;
    /// What a caller gets.
    type Answer: Send + 'static;

    /// Where a member stands in a batch: all batches lock rows in the same order.
    fn order(one: &Self::Member, other: &Self::Member) -> std::cmp::Ordering;

    /// Whether two members that are equal in that order cannot be in one statement, which changes a row only once.
    const EXCLUSIVE: bool;

    /// Runs the statement: an answer for each member, in their order.
    async fn run(&self, members: &[Self::Member]) -> Result<Vec<Self::Answer>, Failure>;
}

type Reply<B> = oneshot::Sender<Result<<B as Batch>::Answer, Error>>;

/// A member in the queue, its caller, and since when they wait.
struct Waiting<B: Batch> {
    member: B::Member,
    reply: Reply<B>,
    since: Instant,
}

/// The way in to one kind of statement.
pub(super) struct Lane<B: Batch> {
    queue: mpsc::Sender<Waiting<B>>,
}

impl<B: Batch> Lane<B> {
    pub(super) fn open(batch: Arc<B>, random: &Arc<dyn Random>) -> Self {
        let (queue, members) = mpsc::channel(QUEUE);
        tokio::spawn(drive(batch, members, Arc::clone(random)));
        Self { queue }
    }

    pub(super) async fn send(&self, member: B::Member) -> Result<B::Answer, Error> {
        let (reply, answer) = oneshot::channel();
        let waiting = Waiting { member, reply, since: Instant::now() };
        self.queue.send_timeout(waiting, ENTRY).await.map_err(|error| match error {
            SendTimeoutError::Timeout(_) => Error::Unavailable("too many statements are waiting".into()),
            SendTimeoutError::Closed(_) => Error::Unavailable("the store is closed".into()),
        })?;
        answer.await.map_err(|_| Error::InDoubt("the statement was cut off".into()))?
    }
}

async fn drive<B: Batch>(batch: Arc<B>, mut queue: mpsc::Receiver<Waiting<B>>, random: Arc<dyn Random>) {
    let mut waiting = Vec::with_capacity(BATCH);
    while !waiting.is_empty() || queue.recv_many(&mut waiting, BATCH).await > 0 {
        // Many often come at once: without this the first would go alone, and the others wait for it.
        tokio::task::yield_now().await;
        while waiting.len() < BATCH
            && let Ok(more) = queue.try_recv()
        {
            waiting.push(more);
        }
        turn_away_the_late(&mut waiting);
        let left = take_turns::<B>(&mut waiting);
        let members = std::mem::replace(&mut waiting, left);
        // One that panics takes the replies to its members with it, and the lane stays open. What the next one finds of
        // it are connections, which see to their own state.
        let _ = AssertUnwindSafe(serve(&*batch, members, &random)).catch_unwind().await;
    }
}

async fn serve<B: Batch>(batch: &B, members: Vec<Waiting<B>>, random: &Arc<dyn Random>) {
    let members = members.into_iter().map(|waiting| (waiting.member, waiting.reply));
    let (members, replies): (Vec<_>, Vec<_>) = members.unzip();
    if members.is_empty() {
        return;
    }
    for (answer, reply) in answers(batch, &members, random).await.into_iter().zip(replies) {
        // The caller may have gone; what is written stays written.
        let _ = reply.send(answer);
    }
}

/// Tells those who have waited too long that they were not sent.
fn turn_away_the_late<B: Batch>(waiting: &mut Vec<Waiting<B>>) {
    for late in waiting.extract_if(.., |waiting| waiting.since.elapsed() > LATE) {
        let _ = late.reply.send(Err(Error::Unavailable("too many statements are waiting".into())));
    }
}

/// Puts a batch in its order, and takes out who has to wait for the next one.
fn take_turns<B: Batch>(waiting: &mut Vec<Waiting<B>>) -> Vec<Waiting<B>> {
    waiting.sort_by(|one, other| B::order(&one.member, &other.member));
    if !B::EXCLUSIVE {
        return Vec::new();
    }
    let (mut batch, mut left) = (Vec::<Waiting<B>>::with_capacity(waiting.len()), Vec::new());
    for member in waiting.drain(..) {
        let taken = batch.last().is_some_and(|last| B::order(&last.member, &member.member).is_eq());
        if taken { left.push(member) } else { batch.push(member) }
    }
    *waiting = batch;
    left
}

/// An answer for each member. An error that one of them may have caused is found by running each on its own: one whose
/// row somebody holds does not hold up the others either.
async fn answers<B: Batch>(
    batch: &B,
    members: &[B::Member],
    random: &Arc<dyn Random>,
) -> Vec<Result<B::Answer, Error>> {
    match patiently(batch, members, random).await {
        Ok(answers) => answers.into_iter().map(Ok).collect(),
        Err(Failure::Rejected(what) | Failure::Unreadable(what) | Failure::Held(what)) if members.len() > 1 => {
            debug!(members = members.len(), error = what, "batch refused, running its members singly");
            let mut answers = Vec::with_capacity(members.len());
            for member in members {
                let alone = patiently(batch, std::slice::from_ref(member), random).await;
                let none = || Failure::Unreadable("a statement gave no answer".into());
                answers.push(alone.and_then(|mut answer| answer.pop().ok_or_else(none)).map_err(Error::from));
            }
            answers
        }
        Err(failure) => members.iter().map(|_| Err(failure.clone().into())).collect(),
    }
}

/// Runs a statement, again where it lost a race with another.
async fn patiently<B: Batch>(
    batch: &B,
    members: &[B::Member],
    random: &Arc<dyn Random>,
) -> Result<Vec<B::Answer>, Failure> {
    let mut collisions = 0;
    loop {
        match batch.run(members).await {
            Err(Failure::Collided(what)) if collisions < COLLISIONS => {
                collisions += 1;
                warn!(collisions, error = what, "a statement collided with another, sending it again");
                tokio::time::sleep(random.upper_half(PAUSE * collisions)).await;
            }
            answer => return answer,
        }
    }
}

impl<B: Batch> Clone for Lane<B> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone() }
    }
}

impl<B: Batch> fmt::Debug for Lane<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lane")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use saga::OsRandom;
    use tokio::sync::Semaphore;

    use super::*;

    /// Doubles numbers; waits for a permit before each statement, refuses any with a 13, and panics over a 666.
    struct Doubling {
        permits: Semaphore,
        ran: Mutex<Vec<Vec<u32>>>,
    }

    #[async_trait]
    impl Batch for Doubling {
        type Member = u32;
        type Answer = u32;

        const EXCLUSIVE: bool = true;

        fn order(one: &u32, other: &u32) -> std::cmp::Ordering {
            one.cmp(other)
        }

        async fn run(&self, members: &[u32]) -> Result<Vec<u32>, Failure> {
            if let Ok(permit) = self.permits.acquire().await {
                permit.forget();
            }
            let earlier = {
                let mut ran = self.ran.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                ran.push(members.to_vec());
                ran.len()
            };
            assert!(!members.contains(&666), "a member that cannot be");
            match members {
                _ if members.contains(&13) => Err(Failure::Rejected("unlucky".into())),
                [99] if earlier <= 3 => Err(Failure::Collided("once more".into())),
                members => Ok(members.iter().map(|number| number * 2).collect()),
            }
        }
    }

    fn doubling(permits: usize) -> (Arc<Doubling>, Lane<Doubling>) {
        let batch = Arc::new(Doubling { permits: Semaphore::new(permits), ran: Mutex::new(Vec::new()) });
        (Arc::clone(&batch), Lane::open(batch, &(Arc::new(OsRandom) as _)))
    }

    async fn all(lane: &Lane<Doubling>, numbers: &[u32]) -> Vec<Result<u32, Error>> {
        futures_util::future::join_all(numbers.iter().map(|number| lane.send(*number))).await
    }

    #[tokio::test]
    async fn what_queues_is_one_statement_in_order() {
        let (batch, lane) = doubling(10);
        assert_eq!(all(&lane, &[3, 1, 2]).await, [Ok(6), Ok(2), Ok(4)]);
        assert_eq!(*batch.ran.lock().unwrap(), [[1, 2, 3]]);
    }

    #[tokio::test]
    async fn equal_members_take_turns() {
        let (batch, lane) = doubling(10);
        assert_eq!(all(&lane, &[1, 1, 2]).await, [Ok(2), Ok(2), Ok(4)]);
        assert_eq!(*batch.ran.lock().unwrap(), [vec![1, 2], vec![1]]);
    }

    #[tokio::test]
    async fn a_member_that_is_refused_is_alone_with_it() {
        let (batch, lane) = doubling(10);
        let refused = Err(Error::Rejected("unlucky".into()));
        assert_eq!(all(&lane, &[12, 13, 14]).await, [Ok(24), refused, Ok(28)]);
        assert_eq!(*batch.ran.lock().unwrap(), [vec![12, 13, 14], vec![12], vec![13], vec![14]]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_statement_that_collides_is_sent_again() {
        let (batch, lane) = doubling(10);
        assert_eq!(lane.send(99).await, Ok(198));
        assert_eq!(batch.ran.lock().unwrap().len(), 4);
    }

    #[tokio::test]
    async fn a_statement_that_panics_leaves_the_lane_open() {
        let (_batch, lane) = doubling(10);
        assert_eq!(lane.send(666).await, Err(Error::InDoubt("the statement was cut off".into())));
        assert_eq!(lane.send(1).await, Ok(2));
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_too_long_is_not_sent() {
        let (batch, lane) = doubling(0);
        let first = tokio::spawn({
            let lane = lane.clone();
            async move { lane.send(1).await }
        });
        tokio::time::sleep(PAUSE).await;
        let second = tokio::spawn({
            let lane = lane.clone();
            async move { lane.send(2).await }
        });
        tokio::time::sleep(LATE + PAUSE).await;
        batch.permits.add_permits(1);
        assert_eq!(first.await.unwrap(), Ok(2));
        assert_eq!(second.await.unwrap(), Err(Error::Unavailable("too many statements are waiting".into())));
        assert_eq!(*batch.ran.lock().unwrap(), [[1]]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_lane_that_is_full_lets_nobody_in() {
        let (batch, lane) = doubling(0);
        let numbers: Vec<u32> = (1000..).take(QUEUE + BATCH + 1).collect();
        let sent = tokio::spawn({
            let lane = lane.clone();
            async move { all(&lane, &numbers).await }
        });
        tokio::time::sleep(ENTRY + PAUSE).await;
        batch.permits.add_permits(100);
        let answers = sent.await.unwrap();
        let full = Err(Error::Unavailable("too many statements are waiting".into()));
        assert!(answers.contains(&full));
        assert!(answers.iter().filter(|answer| answer.is_ok()).count() >= QUEUE);
    }
}
