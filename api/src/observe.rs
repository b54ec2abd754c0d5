//! The span of a request, its line in the log, and its id.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use metrics::{SharedString, histogram};
use tokio::time::Instant;
use tracing::field::Empty;
use tracing::{Instrument, Span, debug, info, info_span};

use crate::Api;
use crate::problem::Kind;
use crate::request_id::RequestId;

/// Puts a request into the span `http.request`, and writes one line when it is answered.
///
/// The line names the problem, where the answer is one. The route is the pattern that matched: a path or a query as the
/// client sent it may hold anything. `saga.id` is
/// filled in by the endpoint that knows it.
pub(crate) async fn observe(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response {
    let id = RequestId::of(request.headers(), &api);
    let (method, reads) = (name(request.method()), request.method().is_safe());
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str).to_owned();
    let span = info_span!("http.request", request.id = %id, method, route, saga.id = Empty);
    let line = Line { span: span.clone(), method, route, reads, begun: Instant::now(), written: false };
    let mut response = next.run(request).instrument(span).await;
    id.mark(response.headers_mut());
    line.answered(response.status(), response.extensions().get::<Kind>().map(|kind| kind.name()));
    response
}

/// The request's line in the log, which is written also where the client hangs up before its answer.
struct Line {
    span: Span,
    method: &'static str,
    route: String,
    reads: bool,
    begun: Instant,
    written: bool,
}

impl Line {
    fn answered(mut self, status: StatusCode, problem: Option<&str>) {
        self.written = true;
        self.count(status.as_str().to_owned());
        let (status, milliseconds) = (status.as_u16(), self.begun.elapsed().as_millis());
        self.span.in_scope(|| {
            if self.reads {
                debug!(status, problem, milliseconds, "answered");
            } else {
                info!(status, problem, milliseconds, "answered");
            }
        });
    }
}

impl Line {
    fn count(&self, status: String) {
        let labels = [
            ("method", self.method.into()),
            ("route", SharedString::from(self.route.clone())),
            ("status", status.into()),
        ];
        histogram!("signup_http_request_duration_seconds", &labels).record(self.begun.elapsed());
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if !self.written {
            self.count("hung_up".to_owned());
            let milliseconds = self.begun.elapsed().as_millis();
            self.span.in_scope(|| info!(milliseconds, "the client hung up before its answer"));
        }
    }
}

/// The methods that HTTP knows; a client may send any word.
fn name(method: &Method) -> &'static str {
    const KNOWN: [(Method, &str); 7] = [
        (Method::GET, "GET"),
        (Method::HEAD, "HEAD"),
        (Method::POST, "POST"),
        (Method::PUT, "PUT"),
        (Method::PATCH, "PATCH"),
        (Method::DELETE, "DELETE"),
        (Method::OPTIONS, "OPTIONS"),
    ];
    KNOWN.into_iter().find(|(known, _)| known == method).map_or("other", |(_, name)| name)
}
