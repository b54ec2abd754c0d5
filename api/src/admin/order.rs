//! What the operators' actions have in common: an order that names what the operator saw, and how it is seen through.

use std::fmt;
use std::time::Duration;

use axum::Json;
use tokio::time::timeout;
use tracing::{Instrument, error, warn};
use utoipa::ToSchema;

use super::reason;
use crate::fields::Fields;
use crate::problem::{Kind, Problem};

/// How long an operator waits for their action.
const PATIENCE: Duration = Duration::from_secs(5);
/// Why an operator acts, and on what. Fields other than these are refused.
#[derive(ToSchema)]
#[schema(as = Order)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    /// Why, in one line: the journal keeps it.
    #[schema(
        min_length = 1,
        max_length = 500,
        example = "the table is writable again",
        pattern = r"^[^\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]+$"
    )]
    pub(super) reason: String,
    /// The `seq` of the saga or the user as the operator saw it. If it has gone on since, nothing is done.
    #[schema(maximum = 9_007_199_254_740_991_i64, example = 13)]
    pub(super) seq: u64,
}

impl Order {
    pub(super) fn read(mut fields: Fields) -> Result<Self, Problem> {
        let reason = fields.required("reason", |text| reason::parse(&text));
        let seq = fields.required_number("seq");
        let errors = fields.finish();
        match (reason, seq) {
            (Some(reason), Some(seq)) if errors.is_empty() => Ok(Self { reason, seq }),
            _ => Err(Problem::InvalidFields { errors }),
        }
    }
}

/// Does this work, and answers with what it leads to.
///
/// # Cancel safety
/// The work goes on in a task of its own: an operator who hangs up takes back neither the action nor what follows from
/// it.
pub(super) async fn see_through<T: Send + 'static>(
    action: &impl fmt::Display,
    work: impl Future<Output = Result<T, Problem>> + Send + 'static,
) -> Result<Json<T>, Problem> {
    match timeout(PATIENCE, tokio::spawn(work.in_current_span())).await {
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

/// What may go wrong with any action, whatever it acts on.
pub(super) const KINDS: [Kind; 13] = [
    Kind::MalformedJson,
    Kind::IncompleteBody,
    Kind::Unauthorized,
    Kind::Forbidden,
    Kind::BodyTimeout,
    Kind::ActionImpossible,
    Kind::BodyTooLarge,
    Kind::UnsupportedMediaType,
    Kind::UnsupportedEncoding,
    Kind::InvalidFields,
    Kind::Internal,
    Kind::ActionUnknown,
    Kind::Unavailable,
];
