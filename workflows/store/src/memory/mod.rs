//! The reference store: plain Rust behind one lock. For tests.

mod backlog;
mod effect;
mod fleet;
mod operate;
mod plant;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use saga::fleet::Process;
use saga::plan::EventKind;
use saga::store::{
    Accepted, Claim, Claimed, Commit, Committed, Error, Event, Fence, Filter, Housekept, Inspection, Lease, Note,
    Operated, Operation, Record, View,
};
use saga::{Active, Clock, Policy, SagaId, State, Store, Transition, WorkerName};
use signup::{
    Conflict, Data, Duplicates, Effect, EnlistedOperator, Known, Proposal, Replays, SealedPassword, SignUp, TokenHash,
};

use crate::facts::{EventFact, Facts, SagaFact, Snapshot};

/// A store in memory.
pub struct Memory {
    clock: Arc<dyn Clock>,
    tables: Mutex<Tables>,
}

#[derive(Default)]
struct Tables {
    sagas: BTreeMap<SagaId, Row>,
    sealed: BTreeMap<SagaId, (SealedPassword, Timestamp)>,
    /// What the steps have recorded.
    made: Facts,
    /// Tables that refuse every DELETE, as a trigger would.
    undeletable: BTreeSet<&'static str>,
    operators: BTreeMap<String, (EnlistedOperator, TokenHash)>,
    processes: BTreeMap<String, (Process, Timestamp, Timestamp)>,
}

struct Row {
    proposal: Proposal,
    state: State,
    version: u32,
    epoch: u64,
    attempt: u32,
    lease: Option<Lease>,
    due_at: Timestamp,
    step_claimed_at: Option<Timestamp>,
    stuck_since: Option<Timestamp>,
    accepted_at: Timestamp,
    ended_at: Option<Timestamp>,
    journal: Vec<Event>,
    idempotency_forgotten: bool,
    decoy: bool,
}

impl Memory {
    /// An empty store with this clock.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, tables: Mutex::default() }
    }

    /// Makes a table refuse every DELETE from now on, or no longer.
    pub fn refuse_deletes(&self, table: &'static str, refuse: bool) {
        let mut tables = self.lock();
        if refuse {
            tables.undeletable.insert(table);
        } else {
            tables.undeletable.remove(table);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Replays for Memory {
    async fn known(&self, proposal: &Proposal) -> Result<Known, Error> {
        Ok(match self.lock().stands_against(proposal, self.clock.now()) {
            Some(Accepted::Replay(_)) => Known::Request,
            Some(Accepted::Conflict(Conflict::OtherBody)) => Known::OtherBody,
            Some(Accepted::New(_) | Accepted::Conflict(Conflict::EmailTaken { .. } | Conflict::InProgress)) | None => {
                Known::Nothing
            }
        })
    }
}

#[async_trait]
impl Store<SignUp> for Memory {
    async fn accept(&self, proposal: &Proposal) -> Result<Accepted<SignUp>, Error> {
        let now = self.clock.now();
        let mut tables = self.lock();
        if let Some(answer) = tables.stands_against(proposal, now) {
            return Ok(answer);
        }
        let first = signup::FIRST_STEP;
        let mut row = Row::accepted(proposal, State::Active(Active::Running(first)), now);
        row.decoy = tables.is_decoy(proposal);
        let view = row.view(proposal.saga, now);
        tables.sagas.insert(proposal.saga, row);
        tables.sealed.insert(proposal.saga, (proposal.sealed.clone(), now));
        Ok(Accepted::New(view))
    }

    async fn claim(&self, claim: &Claim) -> Result<Vec<Claimed<SignUp>>, Error> {
        let now = self.clock.now();
        let mut tables = self.lock();
        let Tables { sagas, sealed, .. } = &mut *tables;
        let asked = |id: &SagaId| claim.only.as_ref().is_none_or(|only| only.contains(id));
        let mut due: Vec<_> = sagas.iter_mut().filter(|(id, row)| asked(id) && row.is_claimable(claim, now)).collect();
        due.sort_by_key(|(id, row)| (row.due_at, **id));
        let claimed = due.into_iter().take(claim.limit).filter_map(|(id, row)| {
            let sealed = sealed.get(id).map(|(sealed, _)| sealed.clone());
            row.claim(*id, claim, sealed, now)
        });
        Ok(claimed.collect())
    }

    async fn commit(&self, commit: &Commit<SignUp>) -> Result<Committed, Error> {
        let now = self.clock.now();
        let mut tables = self.lock();
        let fence = commit.fence;
        let Tables { sagas, sealed, made, undeletable, .. } = &mut *tables;
        let Some(row) = sagas.get_mut(&fence.saga).filter(|row| row.holds(&fence)) else {
            return Ok(Committed::Fenced);
        };
        if row.state != State::Active(commit.from.clone()) {
            return Ok(Committed::Fenced);
        }
        let mut answer = Committed::Then;
        if let Some(recorded) = &commit.effect {
            let applied = effect::apply(made, undeletable, &row.proposal, recorded).map_err(Error::Rejected)?;
            if applied && matches!(recorded, Effect::CreateUser { .. } | Effect::WipePassword) {
                sealed.remove(&fence.saga);
            }
            if !applied {
                answer = Committed::Refused;
            }
        }
        let transition = match (answer, &commit.if_refused) {
            (Committed::Refused, Some(refused)) => refused,
            (Committed::Refused, None) => return Err(Error::Rejected("the effect conflicts".into())),
            (Committed::Then | Committed::Fenced, _) => &commit.then,
        };
        row.advance(transition, &commit.from, &commit.note, fence, now);
        if row.ended_at.is_some() {
            sealed.remove(&fence.saga);
        }
        if let (Committed::Then, Some(lease)) = (answer, commit.claims()) {
            row.hold(&commit.note.worker, lease, now);
        }
        Ok(answer)
    }

    async fn hand_back(&self, fence: &Fence, due_in: Duration) -> Result<bool, Error> {
        let now = self.clock.now();
        let mut tables = self.lock();
        let Some(row) = tables.sagas.get_mut(&fence.saga) else { return Ok(false) };
        if !row.holds(fence) || row.lease.as_ref().is_none_or(|lease| lease.until < now) {
            return Ok(false);
        }
        row.lease = None;
        row.attempt -= 1;
        if row.attempt == 0 {
            row.step_claimed_at = None;
        }
        row.due_at = now + due_in;
        Ok(true)
    }

    async fn views(&self, sagas: &[SagaId]) -> Result<Vec<View>, Error> {
        let (now, tables) = (self.clock.now(), self.lock());
        Ok(sagas.iter().filter_map(|saga| Some(tables.sagas.get(saga)?.view(*saga, now))).collect())
    }

    async fn events(&self, saga: SagaId, from: u64) -> Result<Vec<Event>, Error> {
        let tables = self.lock();
        let journal = tables.sagas.get(&saga).map(|row| row.journal.iter().filter(|event| event.seq >= from));
        Ok(journal.into_iter().flatten().cloned().collect())
    }

    async fn list(&self, filter: &Filter) -> Result<Vec<Record>, Error> {
        Ok(self.lock().list(filter, self.clock.now()))
    }

    async fn inspect(&self, saga: SagaId) -> Result<Option<Inspection>, Error> {
        Ok(self.lock().inspect(saga, self.clock.now()))
    }

    async fn operate(&self, operation: &Operation) -> Result<Operated, Error> {
        let by = &operation.signature;
        if by.operator.is_empty() || by.reason.is_empty() {
            return Err(Error::Rejected("an action is not signed".into()));
        }
        Ok(self.lock().operate(operation, self.clock.now()))
    }

    async fn housekeep(&self, policy: &Policy) -> Result<Housekept, Error> {
        let now = self.clock.now();
        let mut tables = self.lock();
        let mut kept = Housekept::default();
        for (id, row) in &mut tables.sagas {
            let silent = row.step_claimed_at.is_some_and(|claimed| claimed + policy.silence <= now);
            if row.ended_at.is_none() && row.stuck_since.is_none() && silent {
                row.stuck_since = Some(now);
                kept.silent.push(*id);
            }
            let known = row.proposal.idempotency.is_some() && !row.idempotency_forgotten;
            if row.ended_at.is_some() && known && row.accepted_at + policy.idempotency <= now {
                row.idempotency_forgotten = true;
                kept.keys += 1;
            }
        }
        let before = tables.sealed.len();
        tables.sealed.retain(|_, (_, sealed_at)| *sealed_at + policy.expiry > now);
        kept.secrets = (before - tables.sealed.len()) as u64;
        Ok(kept)
    }

    async fn release_leases(&self) -> Result<u64, Error> {
        let now = self.clock.now();
        let mut released = 0;
        for row in self.lock().sagas.values_mut() {
            let too_late = row.ended_at.is_none() && row.due_at > now + Policy::STANDARD.stuck_pause;
            if row.lease.take().is_some() || too_late {
                row.due_at = now;
                row.step_claimed_at = None;
                released += 1;
            }
        }
        Ok(released)
    }
}

impl Tables {
    /// Why this proposal makes no new saga, if anything: asked in the order that every store keeps.
    fn stands_against(&self, proposal: &Proposal, now: Timestamp) -> Option<Accepted<SignUp>> {
        if let Some(ours) = self.sagas.get(&proposal.saga) {
            return Some(Accepted::New(ours.view(proposal.saga, now)));
        }
        let key = proposal.applicant.email.key();
        let same_key = |row: &&Row| {
            let known = row.proposal.idempotency.as_ref().filter(|_| !row.idempotency_forgotten);
            let ours = proposal.idempotency.as_ref();
            row.proposal.applicant.email.key() == key
                && known.zip(ours).is_some_and(|(known, ours)| known.key == ours.key)
        };
        if let Some(earlier) = self.sagas.values().find(same_key) {
            let same_body = earlier.proposal.idempotency == proposal.idempotency;
            let replay = Accepted::Replay(earlier.view(earlier.proposal.saga, now));
            return Some(if same_body { replay } else { Accepted::Conflict(Conflict::OtherBody) });
        }
        if proposal.duplicates == Duplicates::Decoyed {
            return None;
        }
        if let Some(user) = self.made.users.iter().find(|user| user.email_key == key && user.active) {
            let theirs = self.made.identities.iter().filter(|(_, id, _)| *id == user.id);
            let mut providers: Vec<_> = theirs.map(|(_, _, provider)| provider.clone()).collect();
            providers.sort();
            return Some(Accepted::Conflict(Conflict::EmailTaken { providers }));
        }
        self.has_live(key).then_some(Accepted::Conflict(Conflict::InProgress))
    }

    /// Whether a sign-up of this e-mail is under way that is no decoy.
    fn has_live(&self, key: &str) -> bool {
        let live = |row: &Row| row.ended_at.is_none() && !row.decoy && row.proposal.applicant.email.key() == key;
        self.sagas.values().any(live)
    }

    /// Whether this proposal, once accepted, is a decoy.
    fn is_decoy(&self, proposal: &Proposal) -> bool {
        let key = proposal.applicant.email.key();
        let known = self.made.users.iter().any(|user| user.email_key == key) || self.has_live(key);
        known && proposal.duplicates == Duplicates::Decoyed
    }
}

impl Row {
    fn accepted(proposal: &Proposal, state: State, now: Timestamp) -> Self {
        let event = event(EventKind::Accepted, now);
        Self {
            proposal: proposal.clone(),
            state,
            version: proposal.version,
            epoch: 0,
            attempt: 0,
            lease: None,
            due_at: now,
            step_claimed_at: None,
            stuck_since: None,
            accepted_at: now,
            ended_at: None,
            journal: vec![event],
            idempotency_forgotten: false,
            decoy: false,
        }
    }

    fn seq(&self) -> u64 {
        self.journal.last().map_or(0, |event| event.seq)
    }

    fn holds(&self, fence: &Fence) -> bool {
        self.epoch == fence.epoch && self.seq() == fence.seq
    }

    fn is_claimable(&self, claim: &Claim, now: Timestamp) -> bool {
        claim.kind == <SignUp as saga::Saga>::KIND
            && self.state.step() == Some(&claim.step)
            && claim.versions.contains(&self.version)
            && self.due_at <= now
            && self.lease.as_ref().is_none_or(|lease| lease.until < now)
    }

    fn claim(
        &mut self,
        saga: SagaId,
        claim: &Claim,
        sealed: Option<SealedPassword>,
        now: Timestamp,
    ) -> Option<Claimed<SignUp>> {
        let State::Active(state) = self.state.clone() else { return None };
        let taken_over = self.hold(&claim.worker, claim.lease, now);
        Some(Claimed {
            fence: Fence { saga, epoch: self.epoch, seq: self.seq() },
            version: self.version,
            state,
            attempt: self.attempt,
            age: between(self.accepted_at, now),
            taken_over,
            data: Data { applicant: self.proposal.applicant.clone(), sealed, decoy: self.decoy },
        })
    }

    /// Whether somebody's lease had run out.
    fn hold(&mut self, worker: &WorkerName, lease: Duration, now: Timestamp) -> bool {
        self.epoch += 1;
        self.attempt += 1;
        self.step_claimed_at.get_or_insert(now);
        self.lease.replace(Lease { worker: worker.to_string(), until: now + lease }).is_some()
    }

    fn advance(&mut self, transition: &Transition, from: &Active, note: &Note, fence: Fence, now: Timestamp) {
        self.journal.push(Event {
            seq: fence.seq + 1,
            epoch: fence.epoch,
            kind: transition.event(),
            step: Some(from.step().clone()),
            attempt: note.attempt,
            worker: Some(note.worker.to_string()),
            took: Some(Duration::from_millis(u64::try_from(note.took.as_millis()).unwrap_or(u64::MAX))),
            error: note.error.clone(),
            signature: None,
            at: now,
        });
        self.lease = None;
        match transition {
            Transition::Advance { to, .. } => {
                self.state = to.clone();
                self.attempt = 0;
                self.due_at = now;
                self.step_claimed_at = None;
                self.stuck_since = None;
                self.ended_at = matches!(to, State::Ended(_)).then_some(now);
            }
            Transition::Again { after, stuck, .. } => {
                self.due_at = now + *after;
                self.stuck_since = stuck.then(|| self.stuck_since.unwrap_or(now));
            }
        }
    }

    fn view(&self, saga: SagaId, now: Timestamp) -> View {
        View {
            saga,
            state: self.state.clone(),
            accepted_at: self.accepted_at,
            age: between(self.accepted_at, now),
            stuck_since: self.stuck_since,
            ended_at: self.ended_at,
        }
    }
}

/// The first event of a journal.
fn event(kind: EventKind, at: Timestamp) -> Event {
    Event { seq: 0, epoch: 0, kind, step: None, attempt: 0, worker: None, took: None, error: None, signature: None, at }
}

fn between(earlier: Timestamp, later: Timestamp) -> Duration {
    later.duration_since(earlier).try_into().unwrap_or_default()
}

#[async_trait]
impl Snapshot for Memory {
    async fn facts(&self) -> Result<Facts, Error> {
        let tables = self.lock();
        let mut facts = tables.made.clone();
        facts.taken_at = Some(self.clock.now());
        facts.sealed = tables.sealed.iter().map(|(id, (_, at))| (*id, *at)).collect();
        for (id, row) in &tables.sagas {
            facts.sagas.push(SagaFact {
                id: *id,
                version: row.version,
                state: row.state.clone(),
                epoch: row.epoch,
                seq: row.seq(),
                attempt: row.attempt,
                leased: row.lease.is_some(),
                due_at: row.due_at,
                stuck_since: row.stuck_since,
                email_key: Some(row.proposal.applicant.email.key().to_owned()),
                user: row.proposal.applicant.user,
                organization: row.proposal.applicant.organization,
                decoy: row.decoy,
            });
            facts.events.extend(row.journal.iter().map(|event| EventFact {
                saga: *id,
                seq: event.seq,
                epoch: event.epoch,
                kind: event.kind,
                step: event.step.clone(),
                signature: event.signature.clone(),
            }));
        }
        Ok(facts)
    }
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Memory")
    }
}
