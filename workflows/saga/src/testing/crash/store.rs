//! A store whose writes have crash points.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::armed::is_armed;
use super::{Act, through};
use crate::store::{
    Accepted, Claim, Claimed, Commit, Committed, Error, Event, Fence, Filter, Housekept, Inspection, Operated,
    Operation, Record, View,
};
use crate::{Active, Policy, Saga, SagaId, Store};

/// Between a look at whether something is due and the claim.
const MOMENT: Duration = Duration::from_millis(100);

/// A store that may halt in a write.
pub struct Crashing<S: Saga>(pub Arc<dyn Store<S>>);

fn lost() -> Error {
    Error::InDoubt("the answer was lost".to_owned())
}

/// What a commit from here is.
fn act(from: &Active) -> Act {
    match from {
        Active::Running(step) => Act::Do(step.as_str().to_owned()),
        Active::Compensating(step, _) => Act::Undo(step.as_str().to_owned()),
    }
}

impl<S: Saga> Crashing<S> {
    /// The saga that a claim is going to find, if any: one that is due now, or in a moment.
    async fn due(&self, claim: &Claim) -> Option<SagaId> {
        let filter = Filter { step: Some(claim.step.clone()), limit: 1, ..Filter::default() };
        let record = self.0.list(&filter).await.ok()?.pop()?;
        let now = record.view.accepted_at + record.view.age + MOMENT;
        let free = record.lease.is_none_or(|lease| lease.until <= now);
        (free && record.due_at <= now).then_some(record.view.saga)
    }
}

#[async_trait]
impl<S: Saga> Store<S> for Crashing<S> {
    async fn accept(&self, proposal: &S::Proposal) -> Result<Accepted<S>, Error> {
        // Whoever is told next is told of this one: a test has one at a time.
        through(&Act::Accept, None, self.0.accept(proposal), lost).await
    }

    async fn claim(&self, claim: &Claim) -> Result<Vec<Claimed<S>>, Error> {
        // Looking first costs a query, which nobody pays who does not halt there.
        let due = if is_armed(&Act::Claim) { self.due(claim).await } else { None };
        let Some(saga) = due else { return self.0.claim(claim).await };
        // One that finds nothing is not what is meant.
        let call = async {
            let claimed = self.0.claim(claim).await.map_err(Some)?;
            if claimed.is_empty() { Err(None) } else { Ok(claimed) }
        };
        let claimed = through(&Act::Claim, Some(saga), call, || Some(lost())).await;
        claimed.or_else(|error| error.map_or_else(|| Ok(Vec::new()), Err))
    }

    async fn commit(&self, commit: &Commit<S>) -> Result<Committed, Error> {
        through(&act(&commit.from), Some(commit.fence.saga), self.0.commit(commit), lost).await
    }

    async fn hand_back(&self, fence: &Fence, due_in: Duration) -> Result<bool, Error> {
        self.0.hand_back(fence, due_in).await
    }

    async fn views(&self, sagas: &[SagaId]) -> Result<Vec<View>, Error> {
        self.0.views(sagas).await
    }

    async fn events(&self, saga: SagaId, from: u64) -> Result<Vec<Event>, Error> {
        self.0.events(saga, from).await
    }

    async fn list(&self, filter: &Filter) -> Result<Vec<Record>, Error> {
        self.0.list(filter).await
    }

    async fn inspect(&self, saga: SagaId) -> Result<Option<Inspection>, Error> {
        self.0.inspect(saga).await
    }

    async fn operate(&self, operation: &Operation) -> Result<Operated, Error> {
        through(&Act::Operate, Some(operation.saga), self.0.operate(operation), lost).await
    }

    async fn housekeep(&self, policy: &Policy) -> Result<Housekept, Error> {
        self.0.housekeep(policy).await
    }

    async fn release_leases(&self) -> Result<u64, Error> {
        self.0.release_leases().await
    }
}

impl<S: Saga> std::fmt::Debug for Crashing<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Crashing")
    }
}
