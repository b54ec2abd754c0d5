//! What operators see and do, and who they are.

use std::collections::btree_map::Entry;

use async_trait::async_trait;
use jiff::Timestamp;
use saga::store::{Error, Event, Filter, Inspection, Made, Operated, Operation, Record};
use saga::{SagaId, State};
use signup::{EnlistedOperator, Operator, OperatorName, Operators, TokenHash};

use super::{Memory, Row, Tables};

#[async_trait]
impl Operators for Memory {
    async fn add(&self, operator: &Operator, token: &TokenHash) -> Result<bool, Error> {
        let added = EnlistedOperator { operator: operator.clone(), added_at: self.clock.now(), revoked_at: None };
        let mut tables = self.lock();
        let Entry::Vacant(free) = tables.operators.entry(operator.name.to_string()) else { return Ok(false) };
        free.insert((added, *token));
        Ok(true)
    }

    async fn find(&self, token: &TokenHash) -> Result<Option<Operator>, Error> {
        let tables = self.lock();
        let found = tables.operators.values().find(|(enlisted, known)| known == token && enlisted.revoked_at.is_none());
        Ok(found.map(|(enlisted, _)| enlisted.operator.clone()))
    }

    async fn operators(&self) -> Result<Vec<EnlistedOperator>, Error> {
        Ok(self.lock().operators.values().map(|(enlisted, _)| enlisted.clone()).collect())
    }

    async fn revoke(&self, name: &OperatorName) -> Result<bool, Error> {
        let now = self.clock.now();
        let mut tables = self.lock();
        let Some((enlisted, _)) = tables.operators.get_mut(name.as_str()) else { return Ok(false) };
        enlisted.revoked_at.get_or_insert(now);
        Ok(true)
    }
}

impl Tables {
    pub(super) fn list(&self, filter: &Filter, now: Timestamp) -> Vec<Record> {
        let newest_first = self.sagas.iter().rev().filter(|(id, row)| row.is_listed(**id, filter, now));
        newest_first.take(filter.limit).map(|(id, row)| row.record(*id, now)).collect()
    }

    pub(super) fn inspect(&self, saga: SagaId, now: Timestamp) -> Option<Inspection> {
        let row = self.sagas.get(&saga)?;
        Some(Inspection { record: row.record(saga, now), made: self.made_by(saga) })
    }

    pub(super) fn operate(&mut self, operation: &Operation, now: Timestamp) -> Operated {
        let saga = operation.saga;
        let left = self.made_by(saga);
        let Some(row) = self.sagas.get_mut(&saga) else { return Operated::Stale };
        if row.seq() != operation.seq || row.state != State::Active(operation.from.clone()) {
            return Operated::Stale;
        }
        let ends = matches!(operation.to, State::Ended(_));
        if ends && !left.is_empty() {
            return Operated::Left(left);
        }
        row.operate(operation, now);
        if ends {
            self.sealed.remove(&saga);
        }
        Operated::Done
    }

    fn made_by(&self, saga: SagaId) -> Vec<Made> {
        let made = |what: &str, id: uuid::Uuid| Made { what: what.to_owned(), id: id.to_string() };
        let users = self.made.users.iter().filter(|user| user.saga == saga).map(|user| made("user", user.id.0));
        let identities = self.made.identities.iter().filter(|(of, ..)| *of == saga);
        let identities = identities.map(|(_, user, _)| made("identity", user.0));
        let organizations = self.made.organizations.iter().filter(|(of, _)| *of == saga);
        let organizations = organizations.map(|(_, id)| made("organization", id.0));
        let profile = self.sagas.get(&saga).map(|row| row.proposal.applicant.profile);
        let profiles = self.made.profiles.iter().filter(|(of, ..)| *of == saga);
        let profiles = profiles.filter_map(|_| profile).map(|id| made("profile", id.0));
        let claims = self.made.claims.iter().filter(|(of, ..)| *of == saga).map(|(_, user, _)| made("claims", user.0));
        users.chain(identities).chain(organizations).chain(profiles).chain(claims).collect()
    }
}

impl Row {
    fn is_listed(&self, id: SagaId, filter: &Filter, now: Timestamp) -> bool {
        filter.status.is_none_or(|status| status.word() == self.state.word())
            && (!filter.stuck || self.stuck_since.is_some())
            && filter.step.as_ref().is_none_or(|step| self.state.step() == Some(step))
            && filter.code.as_ref().is_none_or(|code| self.state.code() == Some(code))
            && super::between(self.accepted_at, now) >= filter.older_than
            && filter.before.is_none_or(|before| id < before)
    }

    fn record(&self, saga: SagaId, now: Timestamp) -> Record {
        Record {
            view: self.view(saga, now),
            version: self.version,
            epoch: self.epoch,
            seq: self.seq(),
            attempt: self.attempt,
            due_at: self.due_at,
            lease: self.lease.clone(),
            step_claimed_at: self.step_claimed_at,
            error: self.journal.last().and_then(|event| event.error.clone()),
            decoy: self.decoy,
        }
    }

    fn operate(&mut self, operation: &Operation, now: Timestamp) {
        self.epoch += 1;
        self.journal.push(Event {
            seq: operation.seq + 1,
            epoch: self.epoch,
            step: Some(operation.from.step().clone()),
            signature: Some(operation.signature.clone()),
            ..super::event(operation.action.event(), now)
        });
        self.state = operation.to.clone();
        self.attempt = 0;
        self.lease = None;
        self.due_at = now;
        self.step_claimed_at = None;
        self.stuck_since = None;
        self.ended_at = matches!(operation.to, State::Ended(_)).then_some(now);
    }
}
