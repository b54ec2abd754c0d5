//! What the operators' actions have in common: an order that names what the operator saw, and its way into the store.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use saga::operate::{Impossible, Signature, act};
use saga::store::{Error, Operated, Operation, Record};
use saga::{Action, Advanced, Retry, SagaId, State};
use tokio::time::{Instant, sleep, timeout};
use tracing::{Instrument, error, info, warn};
use utoipa::openapi::RefOr;
use utoipa::{IntoResponses, ToSchema};

use super::desk::{Controls, Desk};
use super::inspected::{Inspected, Thing};
use super::reason;
use super::saga::Whereabouts;
use super::show::saga_id;
use crate::Api;
use crate::fields::Fields;
use crate::problem::{self, Kind, Problem};

/// How long an operator waits for their action.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a new try may begin; what is left of the patience is for its answer.
const TRYING: Duration = Duration::from_millis(4500);
/// The delays between tries; their number is bounded by the patience.
const RETRY: Retry = Retry::unending(Duration::from_millis(50), Duration::from_millis(500));

/// Why an operator acts, and on what. Fields other than these are refused.
#[derive(ToSchema)]
#[schema(as = Order)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    /// Why, in one line: the saga's journal keeps it.
    #[schema(
        min_length = 1,
        max_length = 500,
        example = "the table is writable again",
        pattern = r"^[^\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]+$"
    )]
    reason: String,
    /// The `seq` of the saga as the operator saw it. If it has gone on since, nothing is done.
    #[schema(maximum = 9_007_199_254_740_991_i64, example = 13)]
    seq: u64,
}

impl Order {
    fn read(mut fields: Fields) -> Result<Self, Problem> {
        let reason = fields.required("reason", |text| reason::parse(&text));
        let seq = fields.required_number("seq");
        let errors = fields.finish();
        match (reason, seq) {
            (Some(reason), Some(seq)) if errors.is_empty() => Ok(Self { reason, seq }),
            _ => Err(Problem::InvalidFields { errors }),
        }
    }
}

/// Does what an operator asks for, and answers with the saga as it is then.
///
/// # Cancel safety
/// The work goes on in a task of its own: an operator who hangs up takes back neither the action nor the wake-up of a
/// worker.
pub(super) async fn answer(
    action: Action,
    Controls(desk): Controls,
    id: Result<Path<String>, PathRejection>,
    fields: Fields,
) -> Result<Json<Inspected>, Problem> {
    let (saga, order) = (saga_id(id)?, Order::read(fields)?);
    let work = tokio::spawn(perform(action, desk, saga, order).in_current_span());
    match timeout(PATIENCE, work).await {
        Ok(Ok(answer)) => answer.map(Json),
        Ok(Err(_)) => {
            error!("an operator's action panicked");
            Err(Problem::Internal)
        }
        Err(_) => {
            warn!(%action, "the store did not answer in time");
            Err(Problem::ActionUnknown)
        }
    }
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
    write(&api, &Operation { saga, seq: order.seq, action, from, to: to.clone(), signature }).await?;
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

/// Sends the same operation until there is an answer: its seq lets it be written once.
async fn write(api: &Arc<Api>, operation: &Operation) -> Result<(), Problem> {
    let deadline = Instant::now() + TRYING;
    let (mut tries, mut in_doubt) = (0, false);
    loop {
        let error = match api.store.operate(operation).await {
            Ok(Operated::Done) => return Ok(()),
            Ok(Operated::Left(left)) => {
                return Err(Problem::SagaNotEmpty { left: left.iter().map(Thing::of).collect() });
            }
            Ok(Operated::Stale) if in_doubt && is_written(api, operation).await? => return Ok(()),
            Ok(Operated::Stale) => return Err(moved(&record(api, operation.saga).await?)),
            Err(error) => error,
        };
        match &error {
            Error::InDoubt(_) => in_doubt = true,
            Error::Unavailable(_) => {}
            Error::Rejected(_) | Error::Unreadable(_) => {
                error!(%error, action = %operation.action, "an operator's action cannot be written");
                return Err(Problem::Internal);
            }
        }
        tries += 1;
        let delay = RETRY.delay(tries, api.random.fraction());
        if Instant::now() + delay >= deadline {
            warn!(%error, tries, in_doubt, action = %operation.action, "gave up on an operator's action");
            return Err(if in_doubt { Problem::ActionUnknown } else { Problem::Unavailable });
        }
        sleep(delay).await;
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
        problem::responses(&KINDS)
    }
}

/// What may go wrong with declaring a saga over.
pub(super) struct ResolveProblems;

impl IntoResponses for ResolveProblems {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        let kinds: Vec<Kind> = KINDS.into_iter().chain([Kind::SagaNotEmpty]).collect();
        problem::responses(&kinds)
    }
}

const KINDS: [Kind; 15] = [
    Kind::MalformedJson,
    Kind::IncompleteBody,
    Kind::Unauthorized,
    Kind::Forbidden,
    Kind::SignupNotFound,
    Kind::BodyTimeout,
    Kind::SagaMoved,
    Kind::ActionImpossible,
    Kind::BodyTooLarge,
    Kind::UnsupportedMediaType,
    Kind::UnsupportedEncoding,
    Kind::InvalidFields,
    Kind::Internal,
    Kind::ActionUnknown,
    Kind::Unavailable,
];
