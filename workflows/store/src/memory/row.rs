//! A saga, as it is kept: its row and its journal.

use std::time::Duration;

use jiff::Timestamp;
use saga::plan::EventKind;
use saga::store::{Claim, Claimed, Event, Fence, Lease, Note, View};
use saga::{Active, SagaId, State, Transition, WorkerName};
use signup::{Data, Proposal, SealedPassword, SignUp};

use super::between;

/// A saga.
pub(super) struct Row {
    pub(super) proposal: Proposal,
    pub(super) state: State,
    pub(super) version: u32,
    pub(super) epoch: u64,
    pub(super) attempt: u32,
    pub(super) lease: Option<Lease>,
    pub(super) due_at: Timestamp,
    pub(super) step_claimed_at: Option<Timestamp>,
    pub(super) stuck_since: Option<Timestamp>,
    pub(super) accepted_at: Timestamp,
    pub(super) ended_at: Option<Timestamp>,
    pub(super) journal: Vec<Event>,
    pub(super) idempotency_forgotten: bool,
    pub(super) decoy: bool,
}

impl Row {
    pub(super) fn accepted(proposal: &Proposal, state: State, now: Timestamp) -> Self {
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

    pub(super) fn seq(&self) -> u64 {
        self.journal.last().map_or(0, |event| event.seq)
    }

    pub(super) fn holds(&self, fence: &Fence) -> bool {
        self.epoch == fence.epoch && self.seq() == fence.seq
    }

    pub(super) fn is_claimable(&self, claim: &Claim, now: Timestamp) -> bool {
        claim.kind == <SignUp as saga::Saga>::KIND
            && self.state.step() == Some(&claim.step)
            && claim.versions.contains(&self.version)
            && self.due_at <= now
            && self.lease.as_ref().is_none_or(|lease| lease.until < now)
    }

    pub(super) fn claim(
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
    pub(super) fn hold(&mut self, worker: &WorkerName, lease: Duration, now: Timestamp) -> bool {
        self.epoch += 1;
        self.attempt += 1;
        self.step_claimed_at.get_or_insert(now);
        self.lease.replace(Lease { worker: worker.to_string(), until: now + lease }).is_some()
    }

    pub(super) fn advance(
        &mut self,
        transition: &Transition,
        from: &Active,
        note: &Note,
        fence: Fence,
        now: Timestamp,
    ) {
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

    pub(super) fn view(&self, saga: SagaId, now: Timestamp) -> View {
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
pub(super) fn event(kind: EventKind, at: Timestamp) -> Event {
    Event { seq: 0, epoch: 0, kind, step: None, attempt: 0, worker: None, took: None, error: None, signature: None, at }
}
