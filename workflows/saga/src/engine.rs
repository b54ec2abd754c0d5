//! The thin executor: claim, run the step, plan, commit.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout};
use tracing::{Instrument, debug, error, info, info_span, warn};

use crate::counted::{self, By};
use crate::erased::AnyStep;
use crate::perform::{Outcome, perform};
use crate::plan::{Attempted, EventKind, Route, Verdict};
use crate::settle::{Settled, settle};
use crate::store::{Claim, Claimed, Commit, Committed, Error, Fence, Note};
use crate::{
    Active, Advanced, Definition, Direction, Effect, Listener, Policy, Random, Saga, SagaId, State, StepName, Store,
    Taker, Transition, WorkerName, plan,
};

/// Runs the steps of one kind of saga.
pub struct Engine<S: Saga> {
    definition: Definition<S>,
    routes: BTreeMap<u32, Route>,
    store: Arc<dyn Store<S>>,
    listener: Arc<dyn Listener>,
    random: Arc<dyn Random>,
    policy: Policy,
    worker: WorkerName,
}

/// A claimed saga, and until when something can be done about it.
#[derive(Debug)]
pub struct Job<S: Saga> {
    claimed: Claimed<S>,
    /// Before the claim was sent.
    sent: Instant,
    /// The lease's end as far as this process trusts it: counted from before the claim was sent.
    deadline: Instant,
}

/// The step that follows a job's, claimed by the job's own commit, and the slot that it was claimed for.
#[derive(Debug)]
pub struct Next<S: Saga, P> {
    /// The claim.
    pub job: Job<S>,
    /// Where it may run.
    pub slot: P,
}

/// What became of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ran {
    /// The saga has advanced, or its next attempt is planned.
    Committed(State),
    /// Nothing was written: the claim does not hold any more.
    Fenced,
    /// Too little of the lease was left; the claim was given back unused.
    HandedBack,
    /// The store gave no answer in time; the lease runs out, and the saga is claimed anew.
    Abandoned,
}

impl<S: Saga> Job<S> {
    /// The step to execute or to compensate.
    pub fn step(&self) -> &StepName {
        self.claimed.state.step()
    }

    /// How long ago the saga was accepted.
    fn age(&self) -> Duration {
        self.claimed.age + self.sent.elapsed()
    }
}

impl<S: Saga> Engine<S> {
    /// An engine for this definition on this store, which tells `listener` of every advance.
    pub fn new(
        definition: Definition<S>,
        store: Arc<dyn Store<S>>,
        listener: Arc<dyn Listener>,
        random: Arc<dyn Random>,
        policy: Policy,
        worker: WorkerName,
    ) -> Self {
        let routes = definition.known().map(|known| (known.version(), known.route(&policy))).collect();
        Self { definition, routes, store, listener, random, policy, worker }
    }

    /// The names of all steps that it runs: see [`Definition::all_names`].
    pub fn steps(&self) -> Vec<StepName> {
        self.definition.all_names()
    }

    /// Claims at most `limit` due sagas of a step.
    ///
    /// # Errors
    /// Those of [`Store::claim`]. What was claimed all the same is due again when its lease runs out.
    ///
    /// # Cancel safety
    /// None: a dropped claim may hold sagas until their leases run out.
    pub async fn claim(&self, step: &StepName, limit: usize) -> Result<Vec<Job<S>>, Error> {
        self.take(step, None, limit).await
    }

    /// Claims those of these sagas that are due at this step and that nobody holds.
    ///
    /// # Errors
    /// As [`Engine::claim`].
    ///
    /// # Cancel safety
    /// As [`Engine::claim`].
    pub async fn claim_these(&self, step: &StepName, sagas: &[SagaId]) -> Result<Vec<Job<S>>, Error> {
        self.take(step, Some(sagas.to_vec()), sagas.len()).await
    }

    async fn take(&self, step: &StepName, only: Option<Vec<SagaId>>, limit: usize) -> Result<Vec<Job<S>>, Error> {
        let (sent, by) = (Instant::now(), if only.is_some() { By::Hint } else { By::Look });
        let claim = Claim {
            kind: S::KIND,
            versions: self.definition.versions(),
            step: step.clone(),
            only,
            limit,
            worker: self.worker.clone(),
            lease: self.policy.lease,
        };
        // An answer that comes late is of use: what it brings is handed back, and does not count as an attempt.
        let answer = timeout(self.policy.lease, self.store.claim(&claim)).await;
        let claimed = answer.map_err(|_| Error::InDoubt("no answer to a claim in time".into()))??;
        counted::claimed(step, by, claimed.len());
        Ok(claimed.into_iter().map(|claimed| self.job(claimed, sent)).collect())
    }

    /// Runs a claimed step to its commit.
    ///
    /// # Cancel safety
    /// Safe as a crash is: what is not committed is found by the next claim, when the lease has run out.
    pub async fn run(&self, job: &Job<S>) -> Ran {
        self.run_on(job, |_| None::<()>).await.0
    }

    /// As [`Engine::run`], and claims the step that follows in the same commit, where `room` has a slot for it: a saga
    /// that its worker goes on with needs no claim of its own for each step.
    ///
    /// # Cancel safety
    /// That of [`Engine::run`].
    pub async fn run_on<P>(
        &self,
        job: &Job<S>,
        room: impl FnOnce(&StepName) -> Option<P>,
    ) -> (Ran, Option<Next<S, P>>) {
        let span = info_span!("saga.step", saga.id = %job.claimed.fence.saga, step = %job.claimed.state.step(),
            attempt = job.claimed.attempt, epoch = job.claimed.fence.epoch);
        let (ran, next) = self.attempt(job, room).instrument(span).await;
        counted::ran(job.step(), &ran);
        if let Some(next) = &next {
            counted::claimed(next.job.step(), By::Commit, 1);
        }
        (ran, next)
    }

    fn job(&self, claimed: Claimed<S>, sent: Instant) -> Job<S> {
        Job { claimed, sent, deadline: sent + self.policy.lease.saturating_sub(self.policy.margin) }
    }

    /// Gives a job back whose step has not begun.
    pub async fn hand_back(&self, job: &Job<S>, due_in: Duration) {
        let span = info_span!("saga.hand_back", saga.id = %job.claimed.fence.saga);
        self.give_back(job, due_in).instrument(span).await;
    }

    async fn give_back(&self, job: &Job<S>, due_in: Duration) {
        let fence = job.claimed.fence;
        match timeout(self.policy.claim, self.store.hand_back(&fence, due_in)).await {
            Ok(Ok(false)) => debug!("not handed back: the claim does not hold any more"),
            Ok(Ok(true)) => {
                let state = State::Active(job.claimed.state.clone());
                self.listener.advanced(&Advanced { due_in, ..Advanced::to(fence.saga, state) });
            }
            Ok(Err(error)) => warn!(%error, "not handed back, the lease will run out"),
            Err(_) => warn!("not handed back in time, the lease will run out"),
        }
    }

    async fn attempt<P>(&self, job: &Job<S>, room: impl FnOnce(&StepName) -> Option<P>) -> (Ran, Option<Next<S, P>>) {
        let (version, name) = (job.claimed.version, job.claimed.state.step());
        let Some((step, route)) = self.definition.find(version, name).zip(self.routes.get(&version)) else {
            // The row says so: it is stuck for its silence.
            error!(version, "claimed a step that the saga's version does not have");
            return (Ran::Abandoned, None);
        };
        if job.claimed.taken_over {
            info!("took over from a worker whose lease ran out");
            counted::taken_over(name);
        }
        let outcome = match self.foregone(route, step, &job.claimed) {
            Some(outcome) => outcome,
            None if job.deadline.duration_since(Instant::now()) < step.timeout() + self.policy.commit => {
                self.give_back(job, self.random.upper_half(self.policy.hand_back_pause)).await;
                return (Ran::HandedBack, None);
            }
            None => perform(step, &job.claimed).await,
        };
        self.conclude(job, route, outcome, room).await
    }

    /// What is known of an attempt before the step runs, if it must not run.
    fn foregone(&self, route: &Route, step: &Arc<dyn AnyStep<S>>, claimed: &Claimed<S>) -> Option<Outcome<S::Effect>> {
        let Active::Running(name) = &claimed.state else { return None };
        let first = route.legs.first().is_some_and(|leg| leg.name == *name);
        let (verdict, error) = if first && claimed.age >= self.policy.expiry {
            (Verdict::Expired, "too old to start")
        } else if claimed.attempt > step.retry().attempts {
            // Every attempt was claimed and none came back: the step takes its worker down with it.
            (Verdict::Unknown, "out of attempts: none of them came back")
        } else {
            return None;
        };
        let attempted = Attempted::Executed { step: name.clone(), number: claimed.attempt, verdict };
        Some(Outcome { attempted, effect: None, error: Some(error.into()), took: Duration::ZERO })
    }

    async fn conclude<P>(
        &self,
        job: &Job<S>,
        route: &Route,
        outcome: Outcome<S::Effect>,
        room: impl FnOnce(&StepName) -> Option<P>,
    ) -> (Ran, Option<Next<S, P>>) {
        let mut commit = self.commit(job, route, outcome);
        let slot = commit.leads_to().and_then(|next| room(next.step()));
        commit.hold = slot.is_some().then_some(self.policy.lease);
        commit.told = slot.is_none() && commit.leads_to().is_some_and(|next| self.listener.will_tell(next.step()));
        let sent = Instant::now();
        let deadline = job.deadline.min(sent + self.policy.store_patience);
        let ran = match settle(&*self.store, &commit, deadline, || self.random.fraction()).await {
            Settled::Written(how) => {
                let next = slot.zip(self.next(job, &commit, how, sent)).map(|(slot, job)| Next { job, slot });
                return (self.written(job, &commit, how), next);
            }
            Settled::Rejected(reason) => self.rejected(job, route, commit, reason).await,
            Settled::Fenced => fenced(),
            Settled::Abandoned(error) => abandoned(&error),
        };
        (ran, None)
    }

    /// The claim that a written commit has made of what follows. It is the same whichever sending was written: its
    /// lease is counted from before the first.
    fn next(&self, job: &Job<S>, commit: &Commit<S>, how: Committed, sent: Instant) -> Option<Job<S>> {
        let (Committed::Then, Some(_)) = (how, commit.claims()) else { return None };
        let Fence { saga, epoch, seq } = commit.fence;
        let claimed = Claimed {
            fence: Fence { saga, epoch: epoch + 1, seq: seq + 1 },
            version: job.claimed.version,
            state: commit.leads_to()?.clone(),
            attempt: 1,
            age: job.age(),
            taken_over: false,
            data: job.claimed.data.clone(),
        };
        Some(self.job(claimed, sent))
    }

    /// The database's rules refuse the effect: the attempt has led to nothing.
    async fn rejected(&self, job: &Job<S>, route: &Route, refused: Commit<S>, reason: String) -> Ran {
        warn!(%reason, "the store rejects the effect");
        let attempted = match &refused.from {
            Active::Running(step) => {
                Attempted::Executed { step: step.clone(), number: refused.note.attempt, verdict: Verdict::Unknown }
            }
            Active::Compensating(step, code) => Attempted::Compensated {
                step: step.clone(),
                code: code.clone(),
                number: refused.note.attempt,
                undone: false,
            },
        };
        let outcome = Outcome { attempted, effect: None, error: Some(reason), took: refused.note.took };
        let commit = self.commit(job, route, outcome);
        match settle(&*self.store, &commit, job.deadline, || self.random.fraction()).await {
            Settled::Written(how) => self.written(job, &commit, how),
            Settled::Fenced => fenced(),
            Settled::Rejected(reason) => abandoned(&Error::Rejected(reason)),
            Settled::Abandoned(error) => abandoned(&error),
        }
    }

    fn commit(&self, job: &Job<S>, route: &Route, outcome: Outcome<S::Effect>) -> Commit<S> {
        let jitter = self.random.fraction();
        let refusal = match (&outcome.attempted, outcome.effect.as_ref().and_then(Effect::refusal)) {
            (Attempted::Executed { step, number, .. }, Some(code)) => {
                let verdict = Verdict::Refused(code);
                Some(plan(route, &Attempted::Executed { step: step.clone(), number: *number, verdict }, jitter))
            }
            // An undo has no refusal: what the store says no to is tried again.
            (Attempted::Compensated { .. }, _) | (Attempted::Executed { .. }, None) => None,
        };
        Commit {
            fence: job.claimed.fence,
            from: job.claimed.state.clone(),
            then: plan(route, &outcome.attempted, jitter),
            if_refused: refusal,
            hold: None,
            told: false,
            effect: outcome.effect,
            note: Note {
                worker: self.worker.clone(),
                attempt: job.claimed.attempt,
                took: outcome.took,
                error: outcome.error,
            },
        }
    }

    fn written(&self, job: &Job<S>, commit: &Commit<S>, how: Committed) -> Ran {
        let transition = match (how, &commit.if_refused) {
            (Committed::Refused, Some(refused)) => refused,
            (Committed::Then | Committed::Refused | Committed::Fenced, _) => &commit.then,
        };
        let (state, due_in) = match transition {
            Transition::Advance { to, .. } => (to.clone(), Duration::ZERO),
            Transition::Again { after, .. } => (State::Active(commit.from.clone()), *after),
        };
        report(transition, commit);
        counted::attempted(commit.from.step(), commit.from.direction(), transition.event(), commit.note.took);
        if let (Active::Running(step), State::Active(Active::Compensating(_, code))) = (&commit.from, &state) {
            counted::turned_back(step, code);
        }
        if let State::Ended(_) = state {
            counted::ended(&state, S::class(&job.claimed.data), job.age());
        }
        let taker = match how {
            Committed::Then if commit.claims().is_some() => Taker::Holder,
            _ if commit.told => Taker::Told,
            Committed::Then | Committed::Refused | Committed::Fenced => Taker::Anyone,
        };
        self.listener.advanced(&Advanced { saga: commit.fence.saga, state: state.clone(), due_in, taker });
        Ran::Committed(state)
    }
}

fn fenced() -> Ran {
    debug!("fenced: another worker has this saga, nothing was written");
    Ran::Fenced
}

fn abandoned(error: &Error) -> Ran {
    warn!(%error, "commit abandoned, the lease will run out");
    Ran::Abandoned
}

/// One line for what a person reading the log wants to know.
fn report<S: Saga>(transition: &Transition, commit: &Commit<S>) {
    let took = commit.note.took;
    let direction = match commit.from.direction() {
        Direction::Forward => "executed",
        Direction::Backward => "compensated",
    };
    match transition {
        Transition::Advance { to: to @ State::Ended(_), .. } => {
            info!(end = %to.word(), code = to.code().map(display), "saga ended");
        }
        Transition::Advance { to, event: EventKind::GaveUp } => {
            warn!(?took, error = commit.note.error, next = to.step().map(display), "gave up on the step, undoing");
        }
        Transition::Advance { to, event: EventKind::Refused } => {
            info!(?took, next = to.step().map(display), "refused, undoing");
        }
        Transition::Advance { to, event } => debug!(?took, ?event, next = to.step().map(display), "{direction}"),
        Transition::Again { after, stuck: true, .. } => {
            error!(?after, error = commit.note.error, "stuck: the compensation keeps failing");
        }
        Transition::Again { after, stuck: false, .. } => {
            warn!(?after, error = commit.note.error, "attempt failed, trying again");
        }
    }
}

impl<S: Saga> std::fmt::Debug for Engine<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("definition", &self.definition)
            .field("worker", &self.worker)
            .finish_non_exhaustive()
    }
}
