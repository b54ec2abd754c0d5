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
use saga::{Code, SagaId};
use serde::{Serialize, Serializer};
use signup::{Conflict, EMAIL_TAKEN};
use utoipa::ToSchema;

pub(crate) use document::responses;
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
    /// The body did not come in time.
    BodyTimeout,
    /// The e-mail belongs to a user.
    EmailTaken {
        /// What they sign in with.
        providers: Vec<String>,
    },
    /// Another sign-up with this e-mail has not ended.
    SignupInProgress,
    /// The sign-up was accepted, and then failed; of the kind `email_taken` where that was the reason.
    SignupFailed {
        /// Which.
        #[serde(serialize_with = "shown")]
        workflow_id: SagaId,
        /// Why.
        #[serde(serialize_with = "shown")]
        code: Code,
    },
    /// The body is longer than anything that could be meant.
    BodyTooLarge,
    /// The body is not said to be JSON.
    UnsupportedMediaType,
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
    OutcomeUnknown,
    /// The store is away; nothing was done.
    Unavailable,
}

/// What is wrong with one field of the body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct FieldError {
    /// The name of the field; empty for the body as a whole.
    #[schema(example = "password")]
    pub(crate) field: Cow<'static, str>,
    /// What is wrong with it, to be read after its name.
    #[schema(example = "must have at least 8 characters")]
    pub(crate) message: String,
}

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
            Self::MalformedJson { .. } => Kind::MalformedJson,
            Self::IncompleteBody => Kind::IncompleteBody,
            Self::InvalidIdempotencyKey => Kind::InvalidIdempotencyKey,
            Self::BodyTimeout => Kind::BodyTimeout,
            Self::EmailTaken { .. } => Kind::EmailTaken,
            Self::SignupInProgress => Kind::SignupInProgress,
            Self::SignupFailed { code, .. } if *code == EMAIL_TAKEN => Kind::EmailTaken,
            Self::SignupFailed { .. } => Kind::SignupFailed,
            Self::BodyTooLarge => Kind::BodyTooLarge,
            Self::UnsupportedMediaType => Kind::UnsupportedMediaType,
            Self::InvalidFields { .. } => Kind::InvalidFields,
            Self::IdempotencyKeyReused => Kind::IdempotencyKeyReused,
            Self::Internal => Kind::Internal,
            Self::OutcomeUnknown => Kind::OutcomeUnknown,
            Self::Unavailable => Kind::Unavailable,
        }
    }

    /// One sentence that says what to do.
    fn detail(&self) -> Cow<'static, str> {
        match self {
            Self::MalformedJson { line, column } => {
                format!("Send valid JSON; reading stopped at line {line}, column {column}.").into()
            }
            Self::NotFound
            | Self::MethodNotAllowed
            | Self::SignupNotFound
            | Self::IncompleteBody
            | Self::InvalidIdempotencyKey
            | Self::BodyTimeout
            | Self::EmailTaken { .. }
            | Self::SignupInProgress
            | Self::SignupFailed { .. }
            | Self::BodyTooLarge
            | Self::UnsupportedMediaType
            | Self::InvalidFields { .. }
            | Self::IdempotencyKeyReused
            | Self::Internal
            | Self::OutcomeUnknown
            | Self::Unavailable => self.kind().advice().into(),
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
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(document::MEDIA_TYPE));
        if let Some(seconds) = kind.retry_after() {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
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
