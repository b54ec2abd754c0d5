//! What the operators' actions have in common: an order that names what the operator saw, and its way into the store.

use std::fmt;
use std::time::Duration;

use axum::Json;
use saga::store::Error;
use saga::{Random, Retry};
use tokio::time::{Instant, sleep, timeout};
use tracing::{Instrument, error, warn};
use utoipa::ToSchema;

use super::reason;
use crate::fields::Fields;
use crate::problem::{Kind, Problem};

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

/// What the store said to an operation.
pub(super) struct Outcome<T> {
    /// Its answer.
    pub(super) said: T,
    /// Whether the reply to an earlier try was lost: that one may have been written.
    pub(super) in_doubt: bool,
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

/// Sends the same operation until there is an answer: its seq lets it be written once.
pub(super) async fn send<T, F>(
    random: &dyn Random,
    action: &impl fmt::Display,
    operate: impl Fn() -> F,
) -> Result<Outcome<T>, Problem>
where
    F: Future<Output = Result<T, Error>>,
{
    let deadline = Instant::now() + TRYING;
    let (mut tries, mut in_doubt) = (0, false);
    loop {
        let error = match operate().await {
            Ok(said) => return Ok(Outcome { said, in_doubt }),
            Err(error) => error,
        };
        match &error {
            Error::InDoubt(_) => in_doubt = true,
            Error::Unavailable(_) => {}
            Error::Rejected(_) | Error::Unreadable(_) => {
                error!(%error, %action, "an operator's action cannot be written");
                return Err(Problem::Internal);
            }
        }
        tries += 1;
        let delay = RETRY.delay(tries, random.fraction());
        if Instant::now() + delay >= deadline {
            warn!(%error, tries, in_doubt, %action, "gave up on an operator's action");
            return Err(if in_doubt { Problem::ActionUnknown } else { Problem::Unavailable });
        }
        sleep(delay).await;
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
