//! The port to the database.
//!
//! A store keeps sagas, their journal and what their steps record. Every write after a claim is guarded by the
//! claim's [`Fence`]: the saga's epoch, which counts claims, and its seq, which counts events. So a worker that has
//! lost its lease writes nothing, and the same commit sent twice writes once. All times are the database's.

use std::ops::RangeInclusive;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::operate::Signature;
use crate::plan::EventKind;
use crate::{Action, Active, Code, Policy, Saga, SagaId, State, StepName, Transition, WorkerName};

/// A database of sagas.
///
/// # Cancel safety
/// Dropping a future leaves it open whether the write happened; it never leaves half of one.
#[async_trait]
pub trait Store<S: Saga>: Send + Sync + 'static {
    /// Accepts a saga, or tells what stands against it. The same proposal, sent again, is answered as
    /// [`Accepted::New`] again.
    ///
    /// # Errors
    /// [`Error`], for this and every method below.
    async fn accept(&self, proposal: &S::Proposal) -> Result<Accepted<S>, Error>;

    /// Claims sagas whose step is due and that nobody holds: each gets the next epoch, the next attempt and a lease.
    async fn claim(&self, claim: &Claim) -> Result<Vec<Claimed<S>>, Error>;

    /// Writes effect, event and advance, if the fence holds, and claims what follows where [`Commit::hold`] asks for it.
    /// Ending a saga wipes its secrets.
    async fn commit(&self, commit: &Commit<S>) -> Result<Committed, Error>;

    /// Gives a claim back unused: the lease ends, the attempt is returned, the saga is due after the delay. False if
    /// the claim does not hold any more.
    async fn hand_back(&self, fence: &Fence, due_in: Duration) -> Result<bool, Error>;

    /// Sagas as the outside sees them: those of these that there are, in any order.
    async fn views(&self, sagas: &[SagaId]) -> Result<Vec<View>, Error>;

    /// A saga as the outside sees it.
    async fn load(&self, saga: SagaId) -> Result<Option<View>, Error> {
        Ok(self.views(&[saga]).await?.pop())
    }

    /// The journal of a saga from this seq on, in order.
    async fn events(&self, saga: SagaId, from: u64) -> Result<Vec<Event>, Error>;

    /// Sagas as an operator sees them, the newest first.
    async fn list(&self, filter: &Filter) -> Result<Vec<Record>, Error>;

    /// A saga as an operator sees it, and what its steps have made that still exists.
    async fn inspect(&self, saga: SagaId) -> Result<Option<Inspection>, Error>;

    /// Writes an operator's action, if the saga is where the operator saw it. It takes the next epoch, ends the lease,
    /// and makes the saga due with its attempts counted anew. An end is written only where nothing is left of the
    /// saga, and wipes its secrets.
    async fn operate(&self, operation: &Operation) -> Result<Operated, Error>;

    /// Marks silent sagas stuck, wipes overdue secrets and forgets old idempotency keys.
    async fn housekeep(&self, policy: &Policy) -> Result<Housekept, Error>;

    /// Ends every lease. Only for a process that is alone with its database.
    async fn release_leases(&self) -> Result<u64, Error>;
}

/// The answer to a proposal.
#[derive(Debug, Clone, PartialEq)]
pub enum Accepted<S: Saga> {
    /// A saga now exists for it.
    New(View),
    /// The same request, by its idempotency key, has been accepted before.
    Replay(View),
    /// Something stands against it; nothing was written.
    Conflict(S::Conflict),
}

/// How long a due saga may be kept for those who are told of it. After that anyone may take it: what they were told
/// may be lost.
pub const HEARSAY: Duration = Duration::from_secs(1);

/// Which sagas to claim.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Of this kind.
    pub kind: &'static str,
    /// Of these versions of its list of steps.
    pub versions: RangeInclusive<u32>,
    /// At this step, to execute or to compensate it.
    pub step: StepName,
    /// Of these alone, if it was told of them; otherwise of those that nobody is told of.
    pub only: Option<Vec<SagaId>>,
    /// At most so many, the longest due first.
    pub limit: usize,
    /// For this worker.
    pub worker: WorkerName,
    /// For so long.
    pub lease: Duration,
}

/// A claimed saga.
#[derive(Debug, Clone)]
pub struct Claimed<S: Saga> {
    /// What every write for this claim is guarded by.
    pub fence: Fence,
    /// The version of its list of steps.
    pub version: u32,
    /// What is to be done.
    pub state: Active,
    /// Which attempt of the step this is, from 1.
    pub attempt: u32,
    /// How long ago the saga was accepted.
    pub age: Duration,
    /// Whether the claim was taken from a lease that had run out.
    pub taken_over: bool,
    /// What the saga was accepted with.
    pub data: S::Data,
}

/// The guard of every write after a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fence {
    /// The saga.
    pub saga: SagaId,
    /// Its epoch: how often it has been claimed.
    pub epoch: u64,
    /// Its seq: the number of its latest event.
    pub seq: u64,
}

/// One fenced write.
#[derive(Debug, Clone)]
pub struct Commit<S: Saga> {
    /// Written only while this holds.
    pub fence: Fence,
    /// The state that the attempt was claimed in.
    pub from: Active,
    /// What to record, if anything.
    pub effect: Option<S::Effect>,
    /// What follows.
    pub then: Transition,
    /// What follows instead where the store's own constraints refuse the effect.
    pub if_refused: Option<Transition>,
    /// Claims what follows in the same write, for [`Note::worker`] and for so long: the saga gets the next epoch, its
    /// first attempt and a lease. Only where `then` is written, and only where it leads to [another
    /// step](Commit::leads_to).
    pub hold: Option<Duration>,
    /// Whether workers are going to be told of what follows at once: a store may keep it from those who look for due
    /// sagas by themselves, for [`HEARSAY`] at most.
    pub told: bool,
    /// For the journal.
    pub note: Note,
}

/// What the journal keeps of an attempt besides its outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Who made the attempt.
    pub worker: WorkerName,
    /// Which attempt of the step it was, from 1.
    pub attempt: u32,
    /// How long the step took.
    pub took: Duration,
    /// What went wrong, if anything. Never personal data.
    pub error: Option<String>,
}

/// How a commit went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    /// The effect and [`Commit::then`] are written.
    Then,
    /// The effect was refused, and [`Commit::if_refused`] is written.
    Refused,
    /// Nothing is written: the fence does not hold, or this very commit was written before.
    Fenced,
}

/// A saga as the outside sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Its id.
    pub saga: SagaId,
    /// Its state.
    pub state: State,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// How long ago that was.
    pub age: Duration,
    /// Since when it has been stuck, if it is.
    pub stuck_since: Option<Timestamp>,
    /// When it ended, if it has.
    pub ended_at: Option<Timestamp>,
}

/// One entry of a saga's journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its place in the saga's journal, from 0.
    pub seq: u64,
    /// Under which claim it was written.
    pub epoch: u64,
    /// What happened.
    pub kind: EventKind,
    /// To which step.
    pub step: Option<StepName>,
    /// In which attempt.
    pub attempt: u32,
    /// Which worker made the attempt.
    pub worker: Option<String>,
    /// How long the attempt took.
    pub took: Option<Duration>,
    /// What went wrong.
    pub error: Option<String>,
    /// Which operator did it and why, if it was one.
    pub signature: Option<Signature>,
    /// When.
    pub at: Timestamp,
}

/// Which sagas to list: those to which everything that is given applies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// In this state.
    pub status: Option<Status>,
    /// Stuck ones only.
    pub stuck: bool,
    /// At this step.
    pub step: Option<StepName>,
    /// Failing or failed for this reason.
    pub code: Option<Code>,
    /// Accepted at least so long ago.
    pub older_than: Duration,
    /// Older than this one, by id: where the page before ended.
    pub before: Option<SagaId>,
    /// At most so many.
    pub limit: usize,
}

/// The state of a saga, its step and code aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Going forward.
    Running,
    /// Going back.
    Compensating,
    /// Every step's effect stands.
    Completed,
    /// No step's effect stands.
    Failed,
}

/// A saga as an operator sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// What everybody may see.
    pub view: View,
    /// The version of its list of steps.
    pub version: u32,
    /// How often it has been claimed or operated on.
    pub epoch: u64,
    /// The number of its latest event.
    pub seq: u64,
    /// Claims of the step at hand.
    pub attempt: u32,
    /// From when it may be claimed.
    pub due_at: Timestamp,
    /// Who has it, and until when.
    pub lease: Option<Lease>,
    /// When the step at hand was first claimed.
    pub step_claimed_at: Option<Timestamp>,
    /// What went wrong last, if its latest event is an attempt that went wrong.
    pub error: Option<String>,
    /// Whether it is a decoy: a saga that goes through its steps like any other, and makes nothing.
    pub decoy: bool,
}

/// A worker's hold on a saga.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The worker.
    pub worker: String,
    /// Until when, if it does not commit before.
    pub until: Timestamp,
}

/// A saga as an operator sees it, with what exists of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// The saga.
    pub record: Record,
    /// What its steps have made, in their order.
    pub made: Vec<Made>,
}

/// Something that a step has made and that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// What: `user`.
    pub what: String,
    /// Its id.
    pub id: String,
}

/// An operator's action, planned by [`crate::operate::act`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// The saga.
    pub saga: SagaId,
    /// Written only while this is its latest event.
    pub seq: u64,
    /// The action.
    pub action: Action,
    /// Where the operator saw the saga.
    pub from: Active,
    /// Where it goes.
    pub to: State,
    /// Who, and why.
    pub signature: Signature,
}

/// How an operator's action went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operated {
    /// It is written.
    Done,
    /// The saga is not where the operator saw it; nothing is written.
    Stale,
    /// The saga cannot end: so much is left of it. Nothing is written.
    Left(Vec<Made>),
}

/// What housekeeping has done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Housekept {
    /// Sagas marked stuck for their silence.
    pub silent: Vec<SagaId>,
    /// Secrets wiped for their age.
    pub secrets: u64,
    /// Idempotency keys forgotten.
    pub keys: u64,
}

/// Why a call of the store failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Nothing was written; the same call may succeed later.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// The call ended before its answer came; it may have been written.
    #[error("the store did not answer: {0}")]
    InDoubt(String),
    /// The database's own rules refuse the write; it was not written, and will not be.
    #[error("the store refuses: {0}")]
    Rejected(String),
    /// What is stored cannot be read by this program.
    #[error("the store holds what this program cannot read: {0}")]
    Unreadable(String),
}

impl<S: Saga> Commit<S> {
    /// The step and direction in which the saga goes on at once after `then`, if it does.
    pub fn leads_to(&self) -> Option<&Active> {
        match &self.then {
            Transition::Advance { to: State::Active(next), .. } => Some(next),
            Transition::Advance { to: State::Ended(_), .. } | Transition::Again { .. } => None,
        }
    }

    /// For how long the write of `then` claims what follows, if it does.
    pub fn claims(&self) -> Option<Duration> {
        self.hold.filter(|_| self.leads_to().is_some())
    }
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::Running, Self::Compensating, Self::Completed, Self::Failed];

    /// The stored word: [`State::word`].
    pub fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Compensating => "compensating",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }
}
