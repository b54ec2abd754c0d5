//! What goes wrong, as `application/problem+json` (RFC 9457).
//!
//! `docs/errors.md` is the catalogue for those who meet one; a test holds that it lists every [`Kind`].

mod document;
mod kind;

use std::borrow::Cow;
use std::fmt;

use axum::Json;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use saga::store::Error;
use saga::{Code, SagaId};
use serde::{Serialize, Serializer};
use signup::{Conflict, EMAIL_TAKEN};
use tracing::{error, warn};
use utoipa::ToSchema;

use crate::admin::{Thing, Whereabouts};

pub(crate) use document::{responses, responses_as};
pub(crate) use kind::Kind;

/// Why a request is not answered as its sender hopes, with what the answer tells besides its kind.
///
/// The fields of a variant are members of the JSON document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(crate) enum Problem {
    /// No route has this path.
    NotFound,
    /// The route has other methods.
    MethodNotAllowed,
    /// There is no such sign-up, or the id is none.
    SignupNotFound,
    /// The request does not show an operator's token.
    Unauthorized,
    /// The request does not show an access token of a live session.
    SignInRequired,
    /// Nobody who may sign in has this e-mail and this password.
    InvalidCredentials,
    /// The refresh token continues no session.
    SessionOver,
    /// The operator's role does not allow it.
    Forbidden,
    /// The workflow token is not that of the sign-up.
    WrongWorkflowToken,
    /// The user has no such session.
    SessionNotFound,
    /// The body is not JSON.
    MalformedJson {
        /// Where reading stopped, from 1.
        line: usize,
        /// Where in the line, from 0.
        column: usize,
    },
    /// The body ended before its end.
    IncompleteBody,
    /// The idempotency key is empty, too long, given twice, or has other characters.
    InvalidIdempotencyKey,
    /// Some parameters of the query cannot be used.
    InvalidParameters {
        /// Each of them, with what is wrong.
        errors: Vec<FieldError>,
    },
    /// The body did not come in time.
    BodyTimeout,
    /// The e-mail belongs to a user.
    EmailTaken {
        /// What they sign in with.
        providers: Vec<String>,
    },
    /// Another sign-up with this e-mail has not ended.
    SignupInProgress,
    /// The client's address, or the e-mail, has asked too often.
    RateLimited {
        /// After how many seconds they may again.
        retry_after: u64,
    },
    /// The sign-up was accepted, and then failed; of the kind `email_taken` where that was the reason.
    SignupFailed {
        /// Which.
        #[serde(serialize_with = "shown")]
        workflow_id: SagaId,
        /// Why.
        #[serde(serialize_with = "shown")]
        code: Code,
    },
    /// The sign-up is under way.
    SignupNotCompleted,
    /// The sign-up was redeemed before, or can be no more.
    NotRedeemable,
    /// The saga has gone on since the operator looked at it.
    SagaMoved {
        /// The number of its latest event.
        seq: u64,
        /// Where it is.
        state: Whereabouts,
    },
    /// No user has this id, or the id is none.
    UserNotFound,
    /// An operator has acted on the user since this one looked at them.
    UserMoved {
        /// The number of their latest event.
        seq: u64,
    },
    /// The action leads nowhere from where the saga or the user is.
    ActionImpossible {
        /// Why.
        why: String,
    },
    /// The saga cannot be declared over.
    SagaNotEmpty {
        /// What exists of it.
        left: Vec<Thing>,
    },
    /// The body is longer than anything that could be meant.
    BodyTooLarge,
    /// The body is not said to be JSON.
    UnsupportedMediaType,
    /// The body is compressed, or otherwise encoded.
    UnsupportedEncoding,
    /// Some fields cannot be accepted.
    InvalidFields {
        /// Each of them, with what is wrong.
        errors: Vec<FieldError>,
    },
    /// The idempotency key came with another body before.
    IdempotencyKeyReused,
    /// This program is at fault.
    Internal,
    /// Whether the sign-up was accepted is not known.
    OutcomeUnknown {
        /// Whether a repetition of the request would be known again, by its idempotency key.
        #[serde(skip)]
        marked: bool,
    },
    /// Whether what was asked for was done is not known.
    ActionUnknown,
    /// The store is away; nothing was done.
    Unavailable,
    /// There is too much to do already; nothing was done.
    Overloaded {
        /// After how many seconds to come again.
        retry_after: u64,
    },
    /// The process cannot do its work.
    NotReady {
        /// What it cannot do it without: `database`, or `process` where it starts or stops.
        component: &'static str,
        /// What is wrong with that.
        why: &'static str,
    },
}

/// What is wrong with one field of the body, or one parameter of the query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct FieldError {
    /// The name of the field or parameter; empty for the body as a whole.
    #[schema(example = "password")]
    pub(crate) field: Cow<'static, str>,
    /// What is wrong with it, to be read after its name.
    #[schema(example = "must have at least 8 characters")]
    pub(crate) message: String,
}

/// How a client without an idempotency key learns whether its sign-up was accepted.
const UNMARKED: &str = "Repeat this request: an e-mail is signed up once. If it was accepted, the answer is \
                        signup_in_progress or email_taken, where the service tells that. With an Idempotency-Key, \
                        the answer to a repetition is the sign-up.";

/// The JSON document.
#[derive(Serialize)]
struct Document<'p> {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: Cow<'static, str>,
    #[serde(flatten)]
    members: &'p Problem,
}

impl Problem {
    /// Its entry in the catalogue.
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::NotFound => Kind::NotFound,
            Self::MethodNotAllowed => Kind::MethodNotAllowed,
            Self::SignupNotFound => Kind::SignupNotFound,
            Self::Unauthorized => Kind::Unauthorized,
            Self::SignInRequired => Kind::SignInRequired,
            Self::InvalidCredentials => Kind::InvalidCredentials,
            Self::SessionOver => Kind::SessionOver,
            Self::Forbidden => Kind::Forbidden,
            Self::WrongWorkflowToken => Kind::WrongWorkflowToken,
            Self::SessionNotFound => Kind::SessionNotFound,
            Self::MalformedJson { .. } => Kind::MalformedJson,
            Self::IncompleteBody => Kind::IncompleteBody,
            Self::InvalidIdempotencyKey => Kind::InvalidIdempotencyKey,
            Self::InvalidParameters { .. } => Kind::InvalidParameters,
            Self::BodyTimeout => Kind::BodyTimeout,
            Self::EmailTaken { .. } => Kind::EmailTaken,
            Self::SignupInProgress => Kind::SignupInProgress,
            Self::RateLimited { .. } => Kind::RateLimited,
            Self::SignupFailed { code, .. } if *code == EMAIL_TAKEN => Kind::EmailTaken,
            Self::SignupFailed { .. } => Kind::SignupFailed,
            Self::SignupNotCompleted => Kind::SignupNotCompleted,
            Self::NotRedeemable => Kind::NotRedeemable,
            Self::SagaMoved { .. } => Kind::SagaMoved,
            Self::UserNotFound => Kind::UserNotFound,
            Self::UserMoved { .. } => Kind::UserMoved,
            Self::ActionImpossible { .. } => Kind::ActionImpossible,
            Self::SagaNotEmpty { .. } => Kind::SagaNotEmpty,
            Self::BodyTooLarge => Kind::BodyTooLarge,
            Self::UnsupportedMediaType => Kind::UnsupportedMediaType,
            Self::UnsupportedEncoding => Kind::UnsupportedEncoding,
            Self::InvalidFields { .. } => Kind::InvalidFields,
            Self::IdempotencyKeyReused => Kind::IdempotencyKeyReused,
            Self::Internal => Kind::Internal,
            Self::OutcomeUnknown { .. } => Kind::OutcomeUnknown,
            Self::ActionUnknown => Kind::ActionUnknown,
            Self::Unavailable => Kind::Unavailable,
            Self::Overloaded { .. } => Kind::Overloaded,
            Self::NotReady { .. } => Kind::NotReady,
        }
    }

    /// One sentence that says what to do.
    fn detail(&self) -> Cow<'static, str> {
        match self {
            // Columns count from 1: there was nothing at all.
            Self::MalformedJson { line: 1, column: 0 } => "Send a JSON object; the body is empty.".into(),
            Self::MalformedJson { line, column } => {
                format!("Send valid JSON; reading stopped at line {line}, column {column}.").into()
            }
            Self::ActionImpossible { why } => format!("It cannot be done: {why}.").into(),
            Self::OutcomeUnknown { marked: false } => UNMARKED.into(),
            other => other.kind().advice().into(),
        }
    }

    /// What a store's failure to read means for whoever asked. It is logged here.
    pub(crate) fn unread(error: &Error) -> Self {
        match error {
            Error::Unavailable(_) | Error::InDoubt(_) => {
                warn!(%error, "not read");
                Self::Unavailable
            }
            Error::Rejected(_) | Error::Unreadable(_) => {
                error!(%error, "cannot be read");
                Self::Internal
            }
        }
    }

    /// After how many seconds to try again, where trying again is what to do.
    fn retry_after(&self) -> Option<u64> {
        match self {
            Self::RateLimited { retry_after } | Self::Overloaded { retry_after } => Some(*retry_after),
            other => other.kind().retry_after().map(u64::from),
        }
    }

    fn document(&self) -> Document<'_> {
        let kind = self.kind();
        Document {
            r#type: format!("/problems/{}", kind.name()),
            title: kind.title(),
            status: kind.status().as_u16(),
            detail: self.detail(),
            members: self,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let kind = self.kind();
        let mut response = (kind.status(), Json(self.document())).into_response();
        response.extensions_mut().insert(kind);
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(document::MEDIA_TYPE));
        if let Some(seconds) = self.retry_after() {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        if let Some((name, value)) = kind.header() {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

/// Why the store does not accept a sign-up.
impl From<Conflict> for Problem {
    fn from(conflict: Conflict) -> Self {
        match conflict {
            Conflict::OtherBody => Self::IdempotencyKeyReused,
            Conflict::EmailTaken { providers } => Self::EmailTaken { providers },
            Conflict::InProgress => Self::SignupInProgress,
        }
    }
}

fn shown<S: Serializer>(value: &impl fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}
