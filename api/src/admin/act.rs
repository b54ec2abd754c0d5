//! What the operators' actions on sagas have in common.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use saga::counted;
use saga::operate::{Impossible, Signature, act};
use saga::store::{Operated, Operation, Record};
use saga::{Action, Advanced, SagaId, State};
use tracing::info;
use utoipa::IntoResponses;
use utoipa::openapi::RefOr;

use super::desk::{Controls, Desk};
use super::inspected::{Inspected, Thing};
use super::order::{self, Order};
use super::saga::Whereabouts;
use super::show::saga_id;
use crate::Api;
use crate::fields::Fields;
use crate::problem::{self, Kind, Problem};
use crate::settle::{Settled, WhileAway, settle};

/// Does what an operator asks for, and answers with the saga as it is then.
pub(super) async fn answer(
    action: Action,
    Controls(desk): Controls,
    id: Result<Path<String>, PathRejection>,
    fields: Fields,
) -> Result<Json<Inspected>, Problem> {
    let (saga, order) = (saga_id(id)?, Order::read(fields)?);
    order::see_through(&action, perform(action, desk, saga, order)).await
}

async fn perform(action: Action, desk: Desk, saga: SagaId, order: Order) -> Result<Inspected, Problem> {
    let Desk { api, operator } = desk;
    let record = record(&api, saga).await?;
    if record.seq != order.seq {
        return Err(moved(&record));
    }
    let impossible = |why: Impossible| Problem::ActionImpossible { why: why.to_string() };
    let State::Active(from) = record.view.state else { return Err(impossible(Impossible::Ended)) };
    let to = act(action, &from).map_err(impossible)?;
    let signature = Signature { operator: operator.name.to_string(), reason: order.reason };
    let operation = Operation { saga, seq: order.seq, action, from, to: to.clone(), signature };
    write(&api, &operation).await?;
    counted::operated(&operation);
    info!(operator = %operator.name, %action, "operator acted");
    api.listener.advanced(&Advanced::to(saga, to));
    // It is done, whatever becomes of this reading.
    Inspected::read(&api, saga).await.map_err(|_| Problem::ActionUnknown)
}

async fn record(api: &Api, saga: SagaId) -> Result<Record, Problem> {
    let inspection = api.store.inspect(saga).await.map_err(|error| Problem::unread(&error))?;
    inspection.map(|inspection| inspection.record).ok_or(Problem::SignupNotFound)
}

fn moved(record: &Record) -> Problem {
    Problem::SagaMoved { seq: record.seq, state: Whereabouts::of(&record.view.state) }
}

/// Writes it, whatever becomes of a reply.
async fn write(api: &Arc<Api>, operation: &Operation) -> Result<(), Problem> {
    let operate = || api.store.operate(operation);
    let Settled { said, in_doubt } = settle(&*api.random, &operation.action, WhileAway::Waits, operate).await?;
    match said {
        Operated::Done => Ok(()),
        Operated::Left(left) => Err(Problem::SagaNotEmpty { left: left.iter().map(Thing::of).collect() }),
        Operated::Stale if in_doubt && is_written(api, operation).await? => Ok(()),
        Operated::Stale => Err(moved(&record(api, operation.saga).await?)),
    }
}

/// Whether the event that follows what the operator saw is theirs.
async fn is_written(api: &Api, operation: &Operation) -> Result<bool, Problem> {
    let events = api.store.events(operation.saga, operation.seq + 1).await.map_err(|_| Problem::ActionUnknown)?;
    Ok(events.first().is_some_and(|event| {
        event.kind == operation.action.event() && event.signature.as_ref() == Some(&operation.signature)
    }))
}

/// What may go wrong with an action.
pub(super) struct Problems;

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        problem::responses(&kinds([]))
    }
}

/// What may go wrong with declaring a saga over.
pub(super) struct ResolveProblems;

impl IntoResponses for ResolveProblems {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        problem::responses(&kinds([Kind::SagaNotEmpty]))
    }
}

fn kinds<const N: usize>(more: [Kind; N]) -> Vec<Kind> {
    order::KINDS.into_iter().chain([Kind::SignupNotFound, Kind::SagaMoved]).chain(more).collect()
}
