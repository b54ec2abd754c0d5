//! `GET /v1/admin/sagas`: sagas, the newest first.

use std::collections::BTreeMap;

use axum::Json;
use axum::http::Uri;
use saga::store::{Filter, Status};
use saga::{Code, StepName};
use serde::Serialize;
use utoipa::openapi::RefOr;
use utoipa::{IntoResponses, ToSchema};

use super::cursor;
use super::desk::Desk;
use super::parameters::{Parameters, duration, one_of};
use super::saga::{self as listed, Document};
use crate::Api;
use crate::problem::{self, Kind, Problem};

/// Sagas of a page where the client does not say.
const USUAL: usize = 50;
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

/// List sagas
///
/// Those to which every given parameter applies, the newest first. `stuck=true` lists the ones that need a person. An
/// empty parameter counts as not given.
#[utoipa::path(
    get,
    path = "/v1/admin/sagas",
    operation_id = "list_sagas",
    tag = "operators",
    security(("operator" = [])),
    params(
        ("status" = Option<String>, Query, nullable = false,
            description = "`running`, `compensating`, `completed` or `failed`."),
        ("stuck" = Option<bool>, Query, nullable = false, description = "`true`: stuck ones only."),
        ("step" = Option<String>, Query, nullable = false, description = "At this step."),
        ("code" = Option<String>, Query, nullable = false, description = "Going back, or failed, for this reason."),
        ("older_than" = Option<String>, Query, nullable = false,
            description = "Accepted at least so long ago: `90s`, `5m`, `2h`, `1d`."),
        ("cursor" = Option<String>, Query, nullable = false,
            description = "The `next_cursor` of the page before."),
        ("limit" = Option<u32>, Query, nullable = false, description = "How many at most: 1 to 200, otherwise 50."),
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

fn limit(text: &str) -> Result<usize, String> {
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
