//! Everything at once, at random, from seeds that tell the same story each time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use auditor::facts::Facts;
use auditor::invariants::unfinished;
use futures_util::future::join_all;
use saga::operate::act;
use saga::store::Operated;
use saga::testing::Fault;
use saga::{Action, Attempt, Direction, End, Job, Ran, State};
use signup::SignUp;

use super::Process;
use super::line::{Fate, Fates};
use super::process::steps_at_hand;
use crate::world::{CODE, STEPS, Seeded, World, operation};

/// A fault in one attempt of five, always the same for the same attempt: random by sign-up, step and attempt.
fn unsteady(seed: u64) -> impl Fn(&Attempt<SignUp>, Direction) -> Option<Fault> + Send + Sync + 'static {
    move |attempt, direction| {
        let (high, low) = attempt.saga.uuid().as_u64_pair();
        let step = STEPS.iter().position(|step| *step == attempt.step).unwrap() as u64;
        let key = seed ^ high ^ low.rotate_left(17) ^ (step << 8) ^ u64::from(attempt.number) << 16;
        let random = Seeded::new(key ^ u64::from(direction == Direction::Backward) << 40);
        random.word();
        match random.below(40) {
            0 => Some(Fault::Refuse(CODE)),
            1 | 2 => Some(Fault::Fail),
            3 | 4 => Some(Fault::Lose),
            5 | 6 => Some(Fault::Panic),
            7 => Some(Fault::Hang),
            _ => None,
        }
    }
}

pub(super) async fn of_a_hundred_sign_ups_under_random_faults_each_ends_whole_or_not_at_all(mut w: World) {
    let process = Process::start(&w, unsteady(1));
    for number in 0..100 {
        w.accept(&format!("ada{number}")).await;
    }
    loop {
        let facts = w.check().await;
        if auditor::invariants::unfinished(&facts).is_empty() {
            break;
        }
        let mut any = false;
        for step in steps_at_hand(&facts) {
            let jobs = process.claim(&step).await.unwrap();
            any |= !jobs.is_empty();
            for ran in join_all(jobs.iter().map(|job| process.run(job))).await {
                assert!(matches!(ran.unwrap(), Ran::Committed(_)));
            }
            w.check().await;
        }
        if !any {
            process.pass_time(&w, &facts).await.unwrap();
        }
    }
    let ends = ends(&w.check().await);
    assert!(ends["completed"] > 20 && ends["failed"] > 5, "{ends:?}");
}

fn ends(facts: &Facts) -> BTreeMap<&'static str, usize> {
    let mut ends = BTreeMap::new();
    for saga in &facts.sagas {
        *ends.entry(saga.state.word()).or_default() += 1;
    }
    ends
}

pub(super) async fn whatever_workers_clocks_and_replies_do_each_sign_up_ends_whole_or_not_at_all(w: World) {
    let mut sights = BTreeMap::new();
    for seed in 0..SEEDS {
        let mut w = w.another().await;
        let mut storm = Storm::new(&w, seed);
        for number in 0..MOVES {
            storm.blow(&mut w, number, &mut sights).await;
            w.check().await;
        }
        // The storm is over: what is left is driven to its end.
        let facts = Process::start(&w, unsteady(seed)).drive(&mut w).await.unwrap();
        for (end, count) in ends(&facts) {
            *sights.entry(end.to_owned()).or_default() += count;
        }
        let completed = facts.sagas.iter().filter(|saga| saga.state == State::Ended(End::Completed)).count();
        assert_eq!(facts.users.len(), completed);
    }
    for sight in [
        "committed",
        "went on",
        "fenced",
        "handed back",
        "abandoned",
        "died",
        "operated",
        "stale",
        "left",
        "completed",
        "failed",
    ] {
        assert!(sights.get(sight).is_some_and(|count| *count > 0), "never {sight}: {sights:?}");
    }
}

const SEEDS: u64 = 8;
const MOVES: usize = 150;
const WORKERS: usize = 3;

/// Three workers on bad lines, what each has claimed, and the randomness that moves them.
struct Storm {
    seed: u64,
    random: Arc<Seeded>,
    workers: Vec<(Process, Vec<Job<SignUp>>)>,
}

type Sights = BTreeMap<String, usize>;

impl Storm {
    fn new(w: &World, seed: u64) -> Self {
        let random = Arc::new(Seeded::new(seed));
        let workers = (0..WORKERS).map(|_| (Self::worker(w, seed, &random), Vec::new())).collect();
        Self { seed, random, workers }
    }

    fn worker(w: &World, seed: u64, random: &Arc<Seeded>) -> Process {
        let random = Arc::clone(random);
        let fates: Fates = Box::new(move |_| match random.below(30) {
            0 => Fate::ReplyLost,
            1 => Fate::NeverArrived,
            2 => Fate::Away,
            3 => Fate::Unanswered,
            4 => Fate::Arrives(2),
            7 => Fate::AnsweredLate,
            5 if random.below(3) == 0 => Fate::DiesBefore,
            6 if random.below(3) == 0 => Fate::DiesAfter,
            _ => Fate::Answered,
        });
        Process::on_a_bad_line(w, unsteady(seed), fates)
    }

    async fn blow(&mut self, w: &mut World, number: usize, sights: &mut Sights) {
        if number.is_multiple_of(15) {
            w.accept(&format!("ada{number}")).await;
        }
        let who = self.random.below(WORKERS);
        match self.random.below(13) {
            0..=4 => {
                let step = &STEPS[self.random.below(STEPS.len())];
                match self.workers[who].0.claim(step).await {
                    Ok(jobs) => self.workers[who].1.extend(jobs),
                    Err(_) => self.replace(w, who, sights).await,
                }
            }
            5..=8 => self.run(w, who, sights).await,
            12 => self.operate(w, sights).await,
            9 | 10 => w.advance(Duration::from_secs(u64::try_from(self.random.below(30)).unwrap())).await,
            _ => {
                let facts = w.check().await;
                if self.workers[who].0.pass_time(w, &facts).await.is_err() {
                    self.replace(w, who, sights).await;
                }
            }
        }
    }

    /// Runs one of the worker's jobs, which may be lost to another, or stay in its hands to be run again.
    async fn run(&mut self, w: &mut World, who: usize, sights: &mut Sights) {
        let (worker, jobs) = &mut self.workers[who];
        if jobs.is_empty() {
            return;
        }
        let at = self.random.below(jobs.len());
        let ran = match self.random.below(2) {
            0 => worker.run(&jobs[at]).await.map(|ran| (ran, None)),
            _ => worker.run_on(&jobs[at]).await,
        };
        if self.random.below(4) > 0 {
            jobs.swap_remove(at);
        }
        let sight = match ran {
            Ok((Ran::Committed(_), Some(next))) => {
                jobs.push(next);
                "went on"
            }
            Ok((Ran::Committed(_), None)) => "committed",
            Ok((Ran::Fenced, _)) => "fenced",
            Ok((Ran::HandedBack, _)) => "handed back",
            Ok((Ran::Abandoned, _)) => "abandoned",
            Err(_) => return self.replace(w, who, sights).await,
        };
        *sights.entry(sight.to_owned()).or_default() += 1;
    }

    /// An operator sees a saga and acts on it: at once, or after somebody else has.
    async fn operate(&mut self, w: &mut World, sights: &mut Sights) {
        let active = unfinished(&w.check().await);
        if active.is_empty() {
            return;
        }
        let saga = active[self.random.below(active.len())];
        let (seen, action) = (w.inspect(saga).await.record, Action::ALL[self.random.below(Action::ALL.len())]);
        let State::Active(from) = seen.view.state else { return };
        if act(action, &from).is_err() {
            return;
        }
        let late = self.random.below(4) == 0;
        if late {
            w.act(saga, Action::Retry).await;
        }
        let sight = match w.operate(&operation(saga, seen.seq, action, from)).await {
            Operated::Done => "operated",
            Operated::Stale => "stale",
            Operated::Left(_) => "left",
        };
        assert_eq!(sight == "stale", late);
        *sights.entry(sight.to_owned()).or_default() += 1;
    }

    /// Another process takes the place of one that died; sometimes all of them stop, and the store is opened anew.
    async fn replace(&mut self, w: &mut World, who: usize, sights: &mut Sights) {
        *sights.entry("died".to_owned()).or_default() += 1;
        let all = self.random.below(2) == 0;
        if all {
            w.reopen().await;
        }
        for (number, worker) in self.workers.iter_mut().enumerate() {
            if all || number == who {
                *worker = (Self::worker(w, self.seed, &self.random), Vec::new());
            }
        }
    }
}
