//! Problems in the OpenAPI document.

use std::borrow::Cow;
use std::collections::BTreeMap;

use saga::Code;
use saga::operate::Impossible;
use serde_json::Value;
use signup::EMAIL_TAKEN;
use utoipa::openapi::example::{Example, ExampleBuilder};
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{Content, ContentBuilder, HeaderBuilder, Ref, RefOr, Response, ResponseBuilder, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::{FieldError, Kind, Problem};
use crate::admin::{Thing, Whereabouts};

pub(super) const MEDIA_TYPE: &str = "application/problem+json";

/// The answers that an endpoint gives for these problems, with an example for each.
pub(crate) fn responses(kinds: &[Kind]) -> BTreeMap<String, RefOr<Response>> {
    responses_as(kinds, MEDIA_TYPE, "Problem", |problem| serde_json::to_value(problem.document()).ok())
}

/// The same, where they are told in other words: of this media type, with this schema, and made so.
pub(crate) fn responses_as(
    kinds: &[Kind],
    media_type: &str,
    schema: &str,
    told: fn(&Problem) -> Option<Value>,
) -> BTreeMap<String, RefOr<Response>> {
    let mut by_status: BTreeMap<u16, Vec<Kind>> = BTreeMap::new();
    for kind in kinds {
        by_status.entry(kind.status().as_u16()).or_default().push(*kind);
    }
    let content = |kinds: &[Kind]| {
        ContentBuilder::new()
            .schema(Some(Ref::from_schema_name(schema)))
            .examples_from_iter(told_examples(kinds, told))
            .build()
    };
    let response = |kinds: &[Kind]| response(kinds, media_type, content(kinds));
    by_status.into_iter().map(|(status, kinds)| (status.to_string(), response(&kinds).into())).collect()
}

fn told_examples(kinds: &[Kind], told: fn(&Problem) -> Option<Value>) -> impl Iterator<Item = (&'static str, Example)> {
    kinds.iter().flat_map(|kind| examples(*kind)).map(move |(name, problem)| {
        let value = told(&problem);
        // A second example of a kind says what is special about it.
        let title = problem.kind().title();
        let summary = if name == problem.kind().name() { title.into() } else { format!("{title} ({})", spaced(name)) };
        (name, ExampleBuilder::new().summary(summary).value(value).build())
    })
}

fn response(kinds: &[Kind], media_type: &str, content: Content) -> Response {
    let names: Vec<String> = kinds.iter().map(|kind| format!("`{}`: {}.", kind.name(), kind.title())).collect();
    let response = ResponseBuilder::new().description(names.join(" ")).content(media_type, content);
    let later = kinds.iter().any(|kind| kind.retry_after().is_some());
    if later { response.header("Retry-After", retry_after()).build() } else { response.build() }
}

fn spaced(name: &str) -> String {
    name.replace('_', " ")
}

fn retry_after() -> utoipa::openapi::header::Header {
    HeaderBuilder::new()
        .schema(Some(ObjectBuilder::new().schema_type(Type::Integer)))
        .description(Some("After how many seconds to try again, where that helps."))
        .build()
}

/// What problems of a kind look like.
fn examples(kind: Kind) -> Vec<(&'static str, Problem)> {
    let failed = |code| Problem::SignupFailed { workflow_id: crate::signups::EXAMPLE, code };
    let problem = match kind {
        Kind::NotFound => Problem::NotFound,
        Kind::MethodNotAllowed => Problem::MethodNotAllowed,
        Kind::SignupNotFound => Problem::SignupNotFound,
        Kind::Unauthorized => Problem::Unauthorized,
        Kind::SignInRequired => Problem::SignInRequired,
        Kind::InvalidCredentials => Problem::InvalidCredentials,
        Kind::SessionOver => Problem::SessionOver,
        Kind::Forbidden => Problem::Forbidden,
        Kind::WrongWorkflowToken => Problem::WrongWorkflowToken,
        Kind::SessionNotFound => Problem::SessionNotFound,
        Kind::MalformedJson => Problem::MalformedJson { line: 1, column: 17 },
        Kind::IncompleteBody => Problem::IncompleteBody,
        Kind::InvalidIdempotencyKey => Problem::InvalidIdempotencyKey,
        Kind::InvalidParameters => {
            let message = "must be a whole number from 1 to 200".to_owned();
            Problem::InvalidParameters { errors: vec![FieldError { field: "limit".into(), message }] }
        }
        Kind::BodyTimeout => Problem::BodyTimeout,
        Kind::EmailTaken => {
            let taken = Problem::EmailTaken { providers: vec!["email".into(), "google".into()] };
            return vec![(kind.name(), taken), ("lost_after_acceptance", failed(EMAIL_TAKEN))];
        }
        Kind::SignupInProgress => Problem::SignupInProgress,
        Kind::RateLimited => Problem::RateLimited { retry_after: 42 },
        Kind::SignupFailed => failed(Code::STEP_FAILED),
        Kind::SignupNotCompleted => Problem::SignupNotCompleted,
        Kind::NotRedeemable => Problem::NotRedeemable,
        Kind::SagaMoved => Problem::SagaMoved { seq: 8, state: Whereabouts::example() },
        Kind::UserNotFound => Problem::UserNotFound,
        Kind::UserMoved => Problem::UserMoved { seq: 2 },
        Kind::ActionImpossible => Problem::ActionImpossible { why: Impossible::GoingBack.to_string() },
        Kind::SagaNotEmpty => Problem::SagaNotEmpty { left: vec![Thing::example()] },
        Kind::BodyTooLarge => Problem::BodyTooLarge,
        Kind::UnsupportedMediaType => Problem::UnsupportedMediaType,
        Kind::UnsupportedEncoding => Problem::UnsupportedEncoding,
        Kind::InvalidFields => {
            let error = |field, message: &str| FieldError { field: Cow::Borrowed(field), message: message.into() };
            let errors = vec![
                error("email", "must be an e-mail address such as ada@example.com"),
                error("password", "must have at least 8 characters"),
            ];
            Problem::InvalidFields { errors }
        }
        Kind::IdempotencyKeyReused => Problem::IdempotencyKeyReused,
        Kind::Internal => Problem::Internal,
        Kind::OutcomeUnknown => {
            let unknown = |marked| Problem::OutcomeUnknown { marked };
            return vec![(kind.name(), unknown(true)), ("without_an_idempotency_key", unknown(false))];
        }
        Kind::ActionUnknown => Problem::ActionUnknown,
        Kind::Unavailable => Problem::Unavailable,
        Kind::Overloaded => Problem::Overloaded { retry_after: 21 },
        Kind::NotReady => Problem::NotReady { component: "database", why: "it does not answer" },
    };
    vec![(kind.name(), problem)]
}

impl ToSchema for Problem {
    fn name() -> Cow<'static, str> {
        "Problem".into()
    }
}

impl PartialSchema for Problem {
    fn schema() -> RefOr<Schema> {
        let member = |kind: Type, meaning: &str| {
            ObjectBuilder::new().schema_type(SchemaType::Type(kind)).description(Some(meaning)).build()
        };
        let list =
            |items: RefOr<Schema>, meaning: &str| ArrayBuilder::new().items(items).description(Some(meaning)).build();
        let text = RefOr::from(Schema::from(ObjectBuilder::new().schema_type(Type::String)));
        ObjectBuilder::new()
            .description(Some("What went wrong (RFC 9457)."))
            .property("type", member(Type::String, "What kind of problem it is; stable."))
            .required("type")
            .property("title", member(Type::String, "What it means, in short."))
            .required("title")
            .property("status", member(Type::Integer, "The status of the answer."))
            .required("status")
            .property("detail", member(Type::String, "One sentence that says what to do."))
            .required("detail")
            .property(
                "errors",
                list(schema_ref::<FieldError>(), "`invalid_fields`, `invalid_parameters`: what is wrong with each."),
            )
            .property("providers", list(text, "`email_taken`: what the user signs in with."))
            .property(
                "retry_after",
                member(Type::Integer, "`rate_limited`, `overloaded`: after how many seconds to try again."),
            )
            .property("workflow_id", member(Type::String, "The id of the sign-up that failed."))
            .property("code", member(Type::String, "Why the sign-up failed."))
            .property("seq", member(Type::Integer, "`saga_moved`: the number of the saga's latest event."))
            .property("state", schema_ref::<Whereabouts>())
            .property("why", member(Type::String, "`action_impossible`, `not_ready`: why."))
            .property("component", member(Type::String, "`not_ready`: what the process cannot work without."))
            .property("left", list(schema_ref::<Thing>(), "`saga_not_empty`: what exists of the saga."))
            .property("line", member(Type::Integer, "`malformed_json`: where reading stopped."))
            .property("column", member(Type::Integer, "`malformed_json`: where reading stopped."))
            .into()
    }
}

fn schema_ref<S: ToSchema>() -> RefOr<Schema> {
    Ref::from_schema_name(S::name()).into()
}
