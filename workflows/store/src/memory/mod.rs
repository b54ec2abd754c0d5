//! The reference store: plain Rust behind one lock. For tests.

mod accounts;
mod backlog;
mod effect;
mod evidence;
mod fleet;
mod operate;
mod plant;
mod row;
mod sessions;
mod signing_keys;
mod statistics;
mod users;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::accounts::{SessionId, StoredKey, UserEvent};
use async_trait::async_trait;
use jiff::Timestamp;
use saga::fleet::Process;
use saga::store::{
    Accepted, Claim, Claimed, Commit, Committed, Error, Event, Fence, Filter, Housekept, Inspection, Operated,
    Operation, Record, View,
};
use saga::{Active, Clock, Policy, SagaId, State, Store};
use signup::{
    Conflict, Duplicates, Effect, EnlistedOperator, Known, OrganizationId, Proposal, Replays, SealedPassword, SignUp,
    TokenHash, UserId,
};

use self::accounts::Since;
use auditor::facts::{EventFact, Facts, SagaFact, Snapshot};
use evidence::Audits;
use row::{Row, event};
use sessions::Begun;
use statistics::Minutes;

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
    /// What organizations are called.
    names: BTreeMap<OrganizationId, String>,
    /// What has become of users, if anything.
    since: BTreeMap<UserId, Since>,
    user_events: BTreeMap<UserId, Vec<UserEvent>>,
    sessions: BTreeMap<SessionId, Begun>,
    signing_keys: BTreeMap<u32, StoredKey>,
    audits: Audits,
    statistics: Minutes,
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
        let Tables { sagas, sealed, made, undeletable, names, .. } = &mut *tables;
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
            if let Effect::CreateOrganization { name } = recorded {
                names.insert(row.proposal.applicant.organization, name.as_str().to_owned());
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
