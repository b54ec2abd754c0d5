//! What auditors read, and what they have found.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use async_trait::async_trait;
use auditor::facts::Snapshot;
use auditor::{Evidence, Facts, Finding, Look, Place, Recorded, invariants};
use jiff::Timestamp;
use saga::store::Error;
use saga::{SagaId, WorkerName};

use super::{Memory, between};

/// What auditors keep.
#[derive(Default)]
pub(super) struct Audits {
    findings: Vec<Recorded>,
    /// When the last turn was taken, and where it got.
    turn: Option<(Timestamp, Place)>,
}

#[async_trait]
impl Evidence for Memory {
    async fn take_turn(&self, _: &WorkerName, every: Duration) -> Result<Option<Place>, Error> {
        let (now, mut tables) = (self.clock.now(), self.lock());
        let before = tables.audits.turn;
        let mine = before.is_none_or(|(at, _)| between(at, now) >= every);
        let place = before.map(|(_, place)| place).unwrap_or_default();
        if mine {
            tables.audits.turn = Some((now, place));
        }
        Ok(mine.then_some(place))
    }

    async fn last_turn(&self) -> Result<Option<Timestamp>, Error> {
        Ok(self.lock().audits.turn.map(|(at, _)| at))
    }

    async fn keep_place(&self, place: &Place) -> Result<(), Error> {
        if let Some((_, kept)) = &mut self.lock().audits.turn {
            *kept = *place;
        }
        Ok(())
    }

    async fn look(&self, after: Option<SagaId>, limit: u32) -> Result<Look, Error> {
        let facts = self.facts().await?;
        let mut next = facts.sagas.iter().map(|saga| saga.id).filter(|id| Some(*id) > after);
        let upto = next.nth(limit as usize - 1);
        let wrong: BTreeSet<_> = invariants::findings(&facts).into_iter().map(|finding| finding.saga).collect();
        let inside = |id: &SagaId| Some(*id) > after && upto.is_none_or(|upto| *id <= upto);
        Ok(Look { suspects: wrong.into_iter().filter(inside).collect(), upto })
    }

    async fn next(&self, after: Option<SagaId>, limit: u32) -> Result<Vec<SagaId>, Error> {
        let tables = self.lock();
        Ok(tables.sagas.keys().copied().filter(|id| Some(*id) > after).take(limit as usize).collect())
    }

    async fn facts_of(&self, sagas: &[SagaId]) -> Result<Facts, Error> {
        let mut facts = self.facts().await?;
        let theirs = |saga: &SagaId| sagas.contains(saga);
        facts.sagas.retain(|saga| theirs(&saga.id));
        facts.events.retain(|event| theirs(&event.saga));
        facts.sealed.retain(|(saga, _)| theirs(saga));
        facts.users.retain(|user| theirs(&user.saga));
        facts.identities.retain(|(saga, ..)| theirs(saga));
        facts.organizations.retain(|(saga, _)| theirs(saga));
        facts.profiles.retain(|(saga, ..)| theirs(saga));
        facts.claims.retain(|(saga, ..)| theirs(saga));
        Ok(facts)
    }

    async fn suspects(&self, limit: u32) -> Result<Vec<SagaId>, Error> {
        let tables = self.lock();
        let open = tables.audits.findings.iter().filter(|finding| finding.over_at.is_none());
        let sagas: BTreeSet<_> = open.map(|finding| finding.saga).collect();
        Ok(sagas.into_iter().take(limit as usize).collect())
    }

    async fn record(&self, checked: &[SagaId], found: &[Finding]) -> Result<u64, Error> {
        let (now, mut tables) = (self.clock.now(), self.lock());
        let kept = &mut tables.audits.findings;
        let is = |kept: &Recorded, found: &Finding| kept.saga == found.saga && kept.invariant == found.invariant;
        for finding in kept.iter_mut().filter(|kept| kept.over_at.is_none() && checked.contains(&kept.saga)) {
            if !found.iter().any(|found| is(finding, found)) {
                finding.over_at = Some(now);
            }
        }
        let mut new = 0;
        for found in found {
            if let Some(known) = kept.iter_mut().find(|kept| kept.over_at.is_none() && is(kept, found)) {
                (known.seen_at, known.what) = (now, found.what.clone());
                continue;
            }
            new += 1;
            kept.push(Recorded {
                id: kept.len() as u64 + 1,
                invariant: found.invariant.to_owned(),
                saga: found.saga,
                what: found.what.clone(),
                found_at: now,
                seen_at: now,
                over_at: None,
            });
        }
        Ok(new)
    }

    async fn findings(&self, also_over: bool, limit: u32) -> Result<Vec<Recorded>, Error> {
        let tables = self.lock();
        let asked = tables.audits.findings.iter().rev().filter(|finding| also_over || finding.over_at.is_none());
        Ok(asked.take(limit as usize).cloned().collect())
    }

    async fn counts(&self) -> Result<BTreeMap<String, u64>, Error> {
        let mut counts = BTreeMap::new();
        for finding in self.lock().audits.findings.iter().filter(|finding| finding.over_at.is_none()) {
            *counts.entry(finding.invariant.clone()).or_default() += 1;
        }
        Ok(counts)
    }
}
