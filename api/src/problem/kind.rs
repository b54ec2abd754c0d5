//! The catalogue of problems.

use axum::http::header::{ACCEPT_ENCODING, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, StatusCode};

/// An entry of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    NotFound,
    MethodNotAllowed,
    SignupNotFound,
    Unauthorized,
    SignInRequired,
    InvalidCredentials,
    SessionOver,
    Forbidden,
    WrongWorkflowToken,
    SessionNotFound,
    MalformedJson,
    IncompleteBody,
    InvalidIdempotencyKey,
    InvalidParameters,
    BodyTimeout,
    EmailTaken,
    SignupInProgress,
    RateLimited,
    SignupFailed,
    SignupNotCompleted,
    NotRedeemable,
    SagaMoved,
    UserNotFound,
    UserMoved,
    ActionImpossible,
    SagaNotEmpty,
    BodyTooLarge,
    UnsupportedMediaType,
    UnsupportedEncoding,
    InvalidFields,
    IdempotencyKeyReused,
    Internal,
    OutcomeUnknown,
    ActionUnknown,
    Unavailable,
    Overloaded,
    NotReady,
}

impl Kind {
    /// What may be wrong with any request that has a body.
    pub(crate) const OF_A_BODY: [Self; 8] = [
        Self::MalformedJson,
        Self::IncompleteBody,
        Self::BodyTimeout,
        Self::BodyTooLarge,
        Self::UnsupportedMediaType,
        Self::UnsupportedEncoding,
        Self::InvalidFields,
        Self::Internal,
    ];

    /// The last part of the problem's `type`; it never changes.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::SignupNotFound => "signup_not_found",
            Self::Unauthorized => "unauthorized",
            Self::SignInRequired => "sign_in_required",
            Self::InvalidCredentials => "invalid_credentials",
            Self::SessionOver => "session_over",
            Self::Forbidden => "forbidden",
            Self::WrongWorkflowToken => "wrong_workflow_token",
            Self::SessionNotFound => "session_not_found",
            Self::MalformedJson => "malformed_json",
            Self::IncompleteBody => "incomplete_body",
            Self::InvalidIdempotencyKey => "invalid_idempotency_key",
            Self::InvalidParameters => "invalid_parameters",
            Self::BodyTimeout => "body_timeout",
            Self::EmailTaken => "email_taken",
            Self::SignupInProgress => "signup_in_progress",
            Self::RateLimited => "rate_limited",
            Self::SignupFailed => "signup_failed",
            Self::SignupNotCompleted => "signup_not_completed",
            Self::NotRedeemable => "not_redeemable",
            Self::SagaMoved => "saga_moved",
            Self::UserNotFound => "user_not_found",
            Self::UserMoved => "user_moved",
            Self::ActionImpossible => "action_impossible",
            Self::SagaNotEmpty => "saga_not_empty",
            Self::BodyTooLarge => "body_too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::UnsupportedEncoding => "unsupported_encoding",
            Self::InvalidFields => "invalid_fields",
            Self::IdempotencyKeyReused => "idempotency_key_reused",
            Self::Internal => "internal",
            Self::OutcomeUnknown => "outcome_unknown",
            Self::ActionUnknown => "action_unknown",
            Self::Unavailable => "unavailable",
            Self::Overloaded => "overloaded",
            Self::NotReady => "not_ready",
        }
    }

    /// The status of the answer.
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::MalformedJson | Self::IncompleteBody | Self::InvalidIdempotencyKey | Self::InvalidParameters => {
                StatusCode::BAD_REQUEST
            }
            Self::Unauthorized | Self::SignInRequired | Self::InvalidCredentials | Self::SessionOver => {
                StatusCode::UNAUTHORIZED
            }
            Self::Forbidden | Self::WrongWorkflowToken => StatusCode::FORBIDDEN,
            Self::NotFound | Self::SignupNotFound | Self::SessionNotFound | Self::UserNotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::EmailTaken
            | Self::SignupInProgress
            | Self::SignupFailed
            | Self::SignupNotCompleted
            | Self::NotRedeemable
            | Self::SagaMoved
            | Self::UserMoved
            | Self::ActionImpossible
            | Self::SagaNotEmpty => StatusCode::CONFLICT,
            Self::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType | Self::UnsupportedEncoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::InvalidFields | Self::IdempotencyKeyReused => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::OutcomeUnknown | Self::ActionUnknown | Self::Unavailable | Self::Overloaded | Self::NotReady => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }

    /// What it means, in short.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::NotFound => "There is nothing at this path",
            Self::MethodNotAllowed => "This path has other methods",
            Self::SignupNotFound => "There is no such sign-up",
            Self::Unauthorized => "An operator's token is needed",
            Self::SignInRequired => "A valid access token is needed",
            Self::InvalidCredentials => "The e-mail or the password is wrong",
            Self::SessionOver => "The session is over",
            Self::Forbidden => "Your role does not allow this",
            Self::WrongWorkflowToken => "The token is not that of this sign-up",
            Self::SessionNotFound => "There is no such session",
            Self::MalformedJson => "The body is not JSON",
            Self::IncompleteBody => "The body ended early",
            Self::InvalidIdempotencyKey => "The idempotency key cannot be used",
            Self::InvalidParameters => "Some parameters cannot be used",
            Self::BodyTimeout => "The body took too long",
            Self::EmailTaken => "The e-mail belongs to a user",
            Self::SignupInProgress => "A sign-up with this e-mail is under way",
            Self::RateLimited => "Too many requests",
            Self::SignupFailed => "The sign-up failed",
            Self::SignupNotCompleted => "The sign-up is not completed yet",
            Self::NotRedeemable => "The sign-up cannot be redeemed",
            Self::SagaMoved => "The saga is no longer where it was seen",
            Self::UserNotFound => "There is no such user",
            Self::UserMoved => "Somebody has acted on the user meanwhile",
            Self::ActionImpossible => "The action is not possible now",
            Self::SagaNotEmpty => "Something is left of the saga",
            Self::BodyTooLarge => "The body is too large",
            Self::UnsupportedMediaType => "The body is not said to be JSON",
            Self::UnsupportedEncoding => "The body is encoded",
            Self::InvalidFields => "Some fields cannot be accepted",
            Self::IdempotencyKeyReused => "The idempotency key belongs to another request",
            Self::Internal => "The service is at fault",
            Self::OutcomeUnknown => "It is not known whether the sign-up was accepted",
            Self::ActionUnknown => "It is not known whether this was done",
            Self::Unavailable => "The service cannot do this now",
            Self::Overloaded => "The service has too much to do",
            Self::NotReady => "This process is not ready",
        }
    }

    /// One sentence that says what to do.
    pub(crate) fn advice(self) -> &'static str {
        match self {
            Self::NotFound => "Look up the paths of this API at /docs.",
            Self::MethodNotAllowed => "Use one of the methods that the Allow header lists.",
            Self::SignupNotFound => "Ask with the workflow_id that starting the sign-up has returned.",
            Self::Unauthorized => "Send the header Authorization: Bearer, with the token of an operator.",
            Self::SignInRequired => {
                "Send the header Authorization: Bearer, with an access token; refresh it, or sign in again."
            }
            Self::InvalidCredentials => "Sign in with the e-mail and the password that you signed up with.",
            Self::SessionOver => "Sign in again.",
            Self::Forbidden => "Viewers see everything and change nothing: ask an operator.",
            Self::WrongWorkflowToken => "Send the workflow_token that starting this very sign-up has returned.",
            Self::SessionNotFound => "List your sessions: it may be over already.",
            Self::MalformedJson => "Send valid JSON.",
            Self::IncompleteBody => "Send the request again, with its whole body.",
            Self::InvalidIdempotencyKey => "Send one Idempotency-Key of 1 to 255 visible ASCII characters, or none.",
            Self::InvalidParameters => "Correct the parameters that errors lists, and send the request again.",
            Self::BodyTimeout => "Send the whole body within 15 seconds.",
            Self::EmailTaken => "Sign in, or sign up with another e-mail.",
            Self::SignupInProgress => {
                "Wait for it to end; if it is your own, repeat your request with its Idempotency-Key to follow it."
            }
            Self::SignupFailed => "Start another sign-up, with a new Idempotency-Key: nothing is left of this one.",
            Self::SignupNotCompleted => "Wait until its status is completed, and send the request again.",
            Self::NotRedeemable => {
                "Sign in with the password: a sign-up is redeemed once, within a day, and not once all sessions were ended."
            }
            Self::SagaMoved => "Look at the saga again, and decide by what you see: seq is where it is now.",
            Self::UserNotFound => "Look them up by their e-mail: who never completed a sign-up may be gone.",
            Self::UserMoved => "Look at the user again, and decide by what you see: seq is the latest event.",
            Self::ActionImpossible => "Look again: actions says what can be done.",
            Self::SagaNotEmpty => "Roll it back, or mend what keeps its undo from working: left lists what exists.",
            Self::BodyTooLarge => "Send a body of at most 16 KiB.",
            Self::UnsupportedMediaType => "Send JSON, with the header Content-Type: application/json.",
            Self::UnsupportedEncoding => "Send the body as it is, without the header Content-Encoding.",
            Self::InvalidFields => "Correct the fields that errors lists, and send the request again.",
            Self::IdempotencyKeyReused => "Use a new Idempotency-Key, or repeat the earlier request unchanged.",
            Self::Internal => "Try again later; if it stays, report the X-Request-Id of this answer.",
            Self::OutcomeUnknown => "Repeat this request with the same Idempotency-Key: it is accepted once.",
            Self::ActionUnknown => "Look how things are now: it may have been done. To send it again does no harm.",
            Self::RateLimited | Self::Unavailable | Self::Overloaded => {
                "Nothing was done: send the request again after the time in Retry-After."
            }
            Self::NotReady => "Send requests to another process until this one is ready: why says what it lacks.",
        }
    }

    /// A header by which HTTP clients know what to do.
    pub(crate) fn header(self) -> Option<(HeaderName, HeaderValue)> {
        if self.status() == StatusCode::UNAUTHORIZED {
            Some((WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")))
        } else if self == Self::UnsupportedEncoding {
            Some((ACCEPT_ENCODING, HeaderValue::from_static("identity")))
        } else {
            None
        }
    }

    /// After how many seconds to try again, where trying again is what to do.
    pub(crate) fn retry_after(self) -> Option<u32> {
        match self {
            Self::SignupNotCompleted
            | Self::OutcomeUnknown
            | Self::ActionUnknown
            | Self::Unavailable
            | Self::NotReady => Some(1),
            Self::SignupInProgress => Some(5),
            // Each of them says how long it is.
            Self::RateLimited => Some(60),
            Self::Overloaded => Some(15),
            Self::NotFound
            | Self::MethodNotAllowed
            | Self::SignupNotFound
            | Self::Unauthorized
            | Self::SignInRequired
            | Self::InvalidCredentials
            | Self::SessionOver
            | Self::Forbidden
            | Self::WrongWorkflowToken
            | Self::SessionNotFound
            | Self::MalformedJson
            | Self::IncompleteBody
            | Self::InvalidIdempotencyKey
            | Self::InvalidParameters
            | Self::BodyTimeout
            | Self::EmailTaken
            | Self::SignupFailed
            | Self::NotRedeemable
            | Self::SagaMoved
            | Self::UserNotFound
            | Self::UserMoved
            | Self::ActionImpossible
            | Self::SagaNotEmpty
            | Self::BodyTooLarge
            | Self::UnsupportedMediaType
            | Self::UnsupportedEncoding
            | Self::InvalidFields
            | Self::IdempotencyKeyReused
            | Self::Internal => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every kind, found from the first: a kind left out of the chain is one that this does not build without.
    fn after(kind: Kind) -> Option<Kind> {
        match kind {
            Kind::NotFound => Some(Kind::MethodNotAllowed),
            Kind::MethodNotAllowed => Some(Kind::SignupNotFound),
            Kind::SignupNotFound => Some(Kind::Unauthorized),
            Kind::Unauthorized => Some(Kind::SignInRequired),
            Kind::SignInRequired => Some(Kind::InvalidCredentials),
            Kind::InvalidCredentials => Some(Kind::SessionOver),
            Kind::SessionOver => Some(Kind::Forbidden),
            Kind::Forbidden => Some(Kind::WrongWorkflowToken),
            Kind::WrongWorkflowToken => Some(Kind::SessionNotFound),
            Kind::SessionNotFound => Some(Kind::MalformedJson),
            Kind::MalformedJson => Some(Kind::IncompleteBody),
            Kind::IncompleteBody => Some(Kind::InvalidIdempotencyKey),
            Kind::InvalidIdempotencyKey => Some(Kind::InvalidParameters),
            Kind::InvalidParameters => Some(Kind::BodyTimeout),
            Kind::BodyTimeout => Some(Kind::EmailTaken),
            Kind::EmailTaken => Some(Kind::SignupInProgress),
            Kind::SignupInProgress => Some(Kind::RateLimited),
            Kind::RateLimited => Some(Kind::SignupFailed),
            Kind::SignupFailed => Some(Kind::SignupNotCompleted),
            Kind::SignupNotCompleted => Some(Kind::NotRedeemable),
            Kind::NotRedeemable => Some(Kind::SagaMoved),
            Kind::SagaMoved => Some(Kind::UserNotFound),
            Kind::UserNotFound => Some(Kind::UserMoved),
            Kind::UserMoved => Some(Kind::ActionImpossible),
            Kind::ActionImpossible => Some(Kind::SagaNotEmpty),
            Kind::SagaNotEmpty => Some(Kind::BodyTooLarge),
            Kind::BodyTooLarge => Some(Kind::UnsupportedMediaType),
            Kind::UnsupportedMediaType => Some(Kind::UnsupportedEncoding),
            Kind::UnsupportedEncoding => Some(Kind::InvalidFields),
            Kind::InvalidFields => Some(Kind::IdempotencyKeyReused),
            Kind::IdempotencyKeyReused => Some(Kind::Internal),
            Kind::Internal => Some(Kind::OutcomeUnknown),
            Kind::OutcomeUnknown => Some(Kind::ActionUnknown),
            Kind::ActionUnknown => Some(Kind::Unavailable),
            Kind::Unavailable => Some(Kind::Overloaded),
            Kind::Overloaded => Some(Kind::NotReady),
            Kind::NotReady => None,
        }
    }

    #[test]
    fn the_catalogue_for_readers_lists_every_kind() {
        let kinds = std::iter::successors(Some(Kind::NotFound), |kind| after(*kind));
        let mut expected: Vec<String> = kinds
            .map(|kind| format!("| `{}` | {} | {} | ", kind.name(), kind.status().as_u16(), kind.title()))
            .collect();
        let page = include_str!("../../../docs/errors.md");
        let mut listed: Vec<String> = page
            .lines()
            .filter(|line| line.starts_with("| `"))
            .map(|line| line.splitn(5, '|').take(4).collect::<Vec<_>>().join("|") + "| ")
            .collect();
        expected.sort();
        listed.sort();
        assert_eq!(listed, expected, "docs/errors.md and Kind differ");
    }
}
