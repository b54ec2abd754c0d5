//! `GET /v1/signups/{id}/events`: tells of a sign-up as it goes.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{Stream, unfold};
use saga::StepName;
use tokio::time::{Instant, timeout_at};
use utoipa::openapi::RefOr;
use utoipa::{IntoResponses, ToSchema};

use super::named;
use super::status::Signup;
use crate::Api;
use crate::problem::{self, Kind, Problem};
use crate::waiters::Place;

/// How long a stream goes on; its client resumes it.
const LONGEST: Duration = Duration::from_mins(10);
/// Between signs of life.
const SILENCE: Duration = Duration::from_secs(15);
/// After how long clients come back, at the soonest: each some time within twice of it, not all at once.
const RETURN: Duration = Duration::from_secs(1);
/// Asks nginx, and what follows it in this, to pass each event on at once.
const UNBUFFERED: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));

/// Follow a sign-up
///
/// Server-sent events: one with the sign-up as it is now, then one whenever it changes, the last when it has ended. Each
/// has the name `status`, and an id. A stream that ends before that, after 10 minutes or because it was broken off, is
/// resumed with the header `Last-Event-ID`, as browsers do by themselves: what the client has seen already is not told
/// again. If there will be nothing more, the answer is 204, and browsers stop asking.
#[utoipa::path(
    get,
    path = "/v1/signups/{id}/events",
    operation_id = "follow_signup",
    tag = "sign-ups",
    params(
        ("id" = String, Path, description = "The `workflow_id` of the sign-up.",
            example = "wf_019b7c8d5a2e7f3090b1c2d3e4f5a6b7"),
        ("Last-Event-ID" = Option<String>, Header, nullable = false,
            description = "The id of the latest event that the client has seen.", example = "p1-4"),
    ),
    responses(
        (
            status = 200, description = "The stream. Each event is of this schema.",
            content_type = "text/event-stream", body = Told,
            example = json!({ "event": "status", "id": "c4-4", "data": "{\"workflow_id\":\"wf_019b7c8d5a2e7f3090b1c2d3e4f5a6b7\",\"status\":\"completed\",\"steps_done\":4,\"steps_total\":4,\"accepted_at\":\"2026-01-02T03:04:05.250Z\",\"ended_at\":\"2026-01-02T03:04:05.410Z\",\"status_url\":\"/v1/signups/wf_019b7c8d5a2e7f3090b1c2d3e4f5a6b7\"}" })
        ),
        (status = 204, description = "The client has seen how it ended."),
        Problems
    )
)]
pub(crate) async fn follow(
    State(api): State<Arc<Api>>,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let view = named(&api, id).await?;
    let signup = Signup::new(&view, &api.outline.steps);
    let seen = headers.get("last-event-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
    if signup.has_ended() && seen.as_ref() == Some(&signup.tag()) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let place = api.waiters.follow(view.saga);
    let ends = Instant::now() + LONGEST;
    let course = Course { place, steps: api.outline.steps.clone(), next: Some(signup), seen, is_over: false, ends };
    let retry = RETURN.mul_f64(1.0 + api.random.fraction());
    let stream = Sse::new(course.events(retry)).keep_alive(KeepAlive::new().interval(SILENCE));
    Ok(([UNBUFFERED, (CACHE_CONTROL, HeaderValue::from_static("no-store"))], stream).into_response())
}

/// An event of the stream.
#[derive(ToSchema)]
#[schema(as = SignupEvent)]
#[expect(dead_code, reason = "it is made by `Event`, and is here for the OpenAPI document")]
struct Told {
    /// Always `status`.
    event: String,
    /// Tells one state of the sign-up from another: for `Last-Event-ID`.
    id: String,
    /// The sign-up, as JSON.
    data: String,
    /// After how many milliseconds to come back, should the stream break off.
    #[schema(nullable = false)]
    retry: Option<u32>,
}

/// What of a sign-up's course is still to be told.
struct Course {
    place: Place,
    steps: Vec<StepName>,
    /// As what it was seen last, if that has not been looked at.
    next: Option<Signup>,
    /// The tag of what the client has seen last.
    seen: Option<String>,
    /// Whether its end was told.
    is_over: bool,
    ends: Instant,
}

impl Course {
    /// Begins with when to come back, should it break off.
    fn events(self, retry: Duration) -> impl Stream<Item = Result<Event, Infallible>> {
        let first = std::future::ready(Ok(Event::default().retry(retry)));
        let rest = unfold(self, async |mut course| course.next().await.map(|event| (Ok(event), course)));
        futures_util::StreamExt::chain(futures_util::stream::once(first), rest)
    }

    /// The next event; none if the sign-up has ended and that was told, or the stream is to end.
    async fn next(&mut self) -> Option<Event> {
        while !self.is_over {
            let signup = if let Some(signup) = self.next.take() {
                signup
            } else {
                let view = timeout_at(self.ends, self.place.next()).await.ok()??;
                Signup::new(&view, &self.steps)
            };
            if self.seen.as_ref() != Some(&signup.tag()) {
                let tag = self.seen.insert(signup.tag());
                let event = Event::default().event("status").id(tag.as_str()).json_data(signup.document()).ok()?;
                self.is_over = signup.has_ended();
                return Some(event);
            }
        }
        None
    }
}

/// What may go wrong here.
struct Problems;

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        problem::responses(&[Kind::SignupNotFound, Kind::Internal, Kind::Unavailable])
    }
}
