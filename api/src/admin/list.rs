//! `GET /v1/admin/sagas`: sagas, the newest first.

use std::collections::BTreeMap;

use axum::Json;
use axum::http::Uri;
use saga::store::{Filter, Status};
use saga::{Code, StepName};
use serde::Serialize;
use signup::STEPS;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AnyOfBuilder, ObjectBuilder, Schema, Type};
use utoipa::{IntoResponses, PartialSchema, ToSchema};

use super::cursor;
use super::desk::Desk;
use super::parameters::{Parameters, duration, one_of};
use super::saga::{self as listed, Document};
use crate::Api;
use crate::problem::{self, Kind, Problem};

/// Sagas of a page where the client does not say.
pub(super) const USUAL: usize = 50;
/// Sagas of a page at most.
const MOST: usize = 200;

/// A page of sagas.
#[derive(Serialize, ToSchema)]
#[schema(as = Sagas)]
pub(super) struct Page {
    /// The sagas, the newest first.
    sagas: Vec<Document>,
    /// Where the next page begins: the parameter `cursor`. Left out where this is the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_cursor: Option<String>,
}

/// How a saga goes, as a parameter says it.
struct StatusWord;

/// A step of a sign-up, as a parameter names it.
struct StepWord;

/// Whether something is so, as a parameter says it.
pub(super) struct Flag;

/// How many, as a parameter says it.
pub(super) struct Limit;

impl PartialSchema for StatusWord {
    fn schema() -> RefOr<Schema> {
        words(&Status::ALL.map(Status::word))
    }
}

impl PartialSchema for StepWord {
    fn schema() -> RefOr<Schema> {
        words(&STEPS.each_ref().map(StepName::as_str))
    }
}

impl PartialSchema for Flag {
    fn schema() -> RefOr<Schema> {
        words(&["true", "false"])
    }
}

impl PartialSchema for Limit {
    fn schema() -> RefOr<Schema> {
        let number = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(MOST));
        AnyOfBuilder::new().item(number).item(words(&[])).into()
    }
}

impl ToSchema for StatusWord {}
impl ToSchema for StepWord {}
impl ToSchema for Flag {}
impl ToSchema for Limit {}

/// One of these, or nothing.
fn words(words: &[&str]) -> RefOr<Schema> {
    let nothing = std::iter::once(&"");
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(nothing.chain(words).copied())).into()
}

/// List sagas
///
/// Those to which every given parameter applies, the newest first. `stuck=true` lists the ones that need a person. An
/// empty parameter counts as not given.
#[utoipa::path(
    get,
    path = "/v1/admin/sagas",
    operation_id = "list_sagas",
    tag = "operators",
    security(("operator" = ["viewer"])),
    params(
        ("status" = inline(Option<StatusWord>), Query, nullable = false, description = "How they go."),
        ("stuck" = inline(Option<Flag>), Query, nullable = false, description = "`true`: stuck ones only."),
        ("step" = inline(Option<StepWord>), Query, nullable = false, description = "At this step."),
        ("code" = Option<String>, Query, nullable = false, pattern = "^[a-z0-9_]{0,64}$",
            description = "Going back, or failed, for this reason."),
        ("older_than" = Option<String>, Query, nullable = false, pattern = "^([0-9]{1,6}[smhd])?$",
            description = "Accepted at least so long ago: `90s`, `5m`, `2h`, `1d`."),
        ("cursor" = Option<String>, Query, nullable = false, pattern = "^([A-Za-z0-9_-]{21}[AQgw])?$",
            description = "The `next_cursor` of the page before."),
        ("limit" = inline(Option<Limit>), Query, nullable = false,
            description = "How many at most: 1 to 200, otherwise 50."),
    ),
    responses((status = 200, description = "The sagas.", body = Page, example = json!(Page::example())), Problems)
)]
pub(super) async fn list(desk: Desk, uri: Uri) -> Result<Json<Page>, Problem> {
    let filter = filter(&desk.api, &uri)?;
    let limit = filter.limit;
    // One more than asked for tells whether there are more.
    let filter = Filter { limit: limit + 1, ..filter };
    let mut records = desk.api.store.list(&filter).await.map_err(|error| Problem::unread(&error))?;
    let more = records.len() > limit;
    records.truncate(limit);
    let next_cursor = records.last().filter(|_| more).map(|record| cursor::after(record.view.saga));
    Ok(Json(Page { sagas: records.iter().map(Document::of).collect(), next_cursor }))
}

fn filter(api: &Api, uri: &Uri) -> Result<Filter, Problem> {
    let steps: Vec<&str> = api.outline.steps.iter().map(StepName::as_str).collect();
    let mut parameters = Parameters::of(uri);
    let filter = Filter {
        status: parameters.read("status", status),
        stuck: parameters.read("stuck", |text| one_of(&["true", "false"], text)) == Some("true"),
        step: parameters.read("step", |text| one_of(&steps, text)).map(|step| StepName::from(step.to_owned())),
        code: parameters.read("code", code),
        older_than: parameters.read("older_than", duration).unwrap_or_default(),
        before: parameters.read("cursor", cursor::parse),
        limit: parameters.read("limit", limit).unwrap_or(USUAL),
    };
    parameters.finish()?;
    Ok(filter)
}

fn status(text: &str) -> Result<Status, String> {
    let word = one_of(&Status::ALL.map(Status::word), text)?;
    Status::ALL.into_iter().find(|status| status.word() == word).ok_or_else(String::new)
}

fn code(text: &str) -> Result<Code, &'static str> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let code = text.len() <= 64 && text.bytes().all(fits);
    code.then(|| Code::from(text.to_owned())).ok_or("must be a code such as step_failed")
}

pub(super) fn limit(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (1..=MOST).contains(number));
    number.ok_or_else(|| format!("must be a whole number from 1 to {MOST}"))
}

impl Page {
    fn example() -> Self {
        let record = listed::example();
        Self { next_cursor: Some(cursor::after(record.view.saga)), sagas: vec![Document::of(&record)] }
    }
}

/// What may go wrong here.
struct Problems;

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        problem::responses(&[Kind::InvalidParameters, Kind::Unauthorized, Kind::Internal, Kind::Unavailable])
    }
}
