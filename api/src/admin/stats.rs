//! `GET /v1/admin/stats`: how sign-ups have gone in the last hour and day.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use serde::Serialize;
use signup::statistics::{Counted, Kind, Percentiles, Summary};
use utoipa::openapi::RefOr;
use utoipa::{IntoResponses, ToSchema};

use super::desk::Desk;
use crate::problem::{self, Kind as ProblemKind, Problem};

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// How sign-ups go now, and have gone.
#[derive(Serialize, ToSchema)]
pub(super) struct Stats {
    /// How it is now.
    now: Now,
    /// How it was in the last hour.
    hour: Span,
    /// How it was in the last 24 hours.
    day: Span,
}

/// How it is now.
#[derive(Serialize, ToSchema)]
struct Now {
    /// Sagas that need a person, 10 000 at most.
    stuck: u64,
    /// By step, sagas that are due there and that nobody has claimed, 10 000 at most.
    waiting: BTreeMap<String, u64>,
    /// For how many milliseconds the one has waited that has waited longest.
    longest_wait_ms: u64,
}

/// How it was in a span of time. What a process has counted in its last five seconds may be missing.
#[derive(Serialize, ToSchema)]
struct Span {
    /// Sign-ups that were asked for.
    received: u64,
    /// The same by what they were answered: `accepted`, `replayed`, or the name of a problem.
    answers: BTreeMap<String, u64>,
    /// Sign-ups that have completed.
    completed: u64,
    /// Sign-ups that have failed.
    failed: u64,
    /// At which steps sign-ups turned back, and for what reasons: the most frequent first.
    failures: Vec<Failure>,
    /// How many got how far: asked for, accepted, and through each step.
    funnel: Vec<Stage>,
    /// How long it took to accept one. Left out where there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    accepting: Option<Took>,
    /// How long those that completed took from their acceptance. Left out where there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    completing: Option<Took>,
    /// The same by who runs the e-mail: `gmail`, `outlook`, `yahoo`, `icloud`, `proton`, `gmx`, `other`; `unknown` where there
    /// was none that can be read; `decoy`.
    classes: BTreeMap<String, OfClass>,
}

/// Why sign-ups turned back.
#[derive(Serialize, ToSchema)]
#[schema(as = TurnedBack)]
struct Failure {
    /// At this step.
    step: String,
    /// For this reason.
    code: String,
    /// So many.
    count: u64,
}

/// How far sign-ups got.
#[derive(Serialize, ToSchema)]
struct Stage {
    /// `asked`, `accepted`, or a step.
    stage: String,
    /// How many got there.
    count: u64,
}

/// Half, 95 % and 99 % took no longer than these, in milliseconds, to a tenth.
#[derive(Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "in milliseconds, each of them")]
struct Took {
    p50_ms: f64,
    p95_ms: f64,
    p99_ms: f64,
}

/// Sign-ups of one class.
#[derive(Serialize, ToSchema)]
struct OfClass {
    /// How many were asked for.
    received: u64,
    /// How many have completed.
    completed: u64,
    /// How many have failed.
    failed: u64,
}

/// Tell how sign-ups go
///
/// How many were asked for, accepted, completed and failed in the last hour and in the last 24 hours, over all processes, how
/// long it took, and how it is now.
#[utoipa::path(
    get,
    path = "/v1/admin/stats",
    operation_id = "get_stats",
    tag = "operators",
    security(("operator" = ["viewer"])),
    responses((status = 200, description = "How they go.", body = Stats, example = json!(Stats::example())), Problems)
)]
pub(super) async fn show(desk: Desk) -> Result<Json<Stats>, Problem> {
    let unread = |error| Problem::unread(&error);
    let api = &desk.api;
    let (census, longest, hour, day) = tokio::try_join!(
        api.backlog.census(&api.outline),
        api.backlog.longest_wait(&api.outline),
        api.statistics.sums(HOUR),
        api.statistics.sums(DAY),
    )
    .map_err(unread)?;
    let waiting = census.waiting.into_iter().map(|(step, waiting)| (step.to_string(), waiting)).collect();
    let longest_wait_ms = u64::try_from(longest.as_millis()).unwrap_or(u64::MAX);
    let now = Now { stuck: census.stuck, waiting, longest_wait_ms };
    Ok(Json(Stats { now, hour: Span::of(&hour), day: Span::of(&day) }))
}

impl Span {
    fn of(sums: &[Counted]) -> Self {
        let summary = Summary::of(sums);
        let failures = summary.failures.into_iter();
        let funnel = summary.funnel.into_iter();
        let classes = summary.classes.into_iter();
        Self {
            received: summary.asked.values().sum(),
            answers: summary.asked,
            completed: summary.completed,
            failed: summary.failed,
            failures: failures.map(|one| Failure { step: one.step, code: one.code, count: one.count }).collect(),
            funnel: funnel.map(|one| Stage { stage: one.name, count: one.count }).collect(),
            accepting: summary.accepting.map(Took::of),
            completing: summary.completing.map(Took::of),
            classes: classes.map(|(class, of)| (class, OfClass::of(of))).collect(),
        }
    }
}

impl OfClass {
    fn of(of: signup::statistics::OfClass) -> Self {
        Self { received: of.asked, completed: of.completed, failed: of.failed }
    }
}

impl Took {
    fn of(percentiles: Percentiles) -> Self {
        // No digits that mean nothing.
        let millis = |took: Duration| (took.as_secs_f64() * 10_000.0).round() / 10.0;
        let Percentiles { p50, p95, p99 } = percentiles;
        Self { p50_ms: millis(p50), p95_ms: millis(p95), p99_ms: millis(p99) }
    }
}

impl Stats {
    fn example() -> Self {
        let counted = |kind, word: &str, class: &str, count| Counted {
            kind,
            word: word.to_owned(),
            class: class.to_owned(),
            count,
        };
        let steps = ["create_user", "create_organization", "create_profile", "update_claims"];
        let mut sums: Vec<_> = steps.iter().map(|step| counted(Kind::Done, step, "", 41)).collect();
        sums.extend([
            counted(Kind::Asked, "accepted", "gmail", 42),
            counted(Kind::Asked, "email_taken", "gmail", 3),
            counted(Kind::TurnedBack, "create_user email_taken", "", 1),
            counted(Kind::Ended, "completed", "gmail", 41),
            counted(Kind::Ended, "failed", "gmail", 1),
            counted(Kind::Accepting, "35", "", 45),
            counted(Kind::Completing, "60", "", 41),
        ]);
        let waiting = steps.iter().map(|step| ((*step).to_owned(), 0)).collect();
        Self { now: Now { stuck: 0, waiting, longest_wait_ms: 0 }, hour: Span::of(&sums), day: Span::of(&sums) }
    }
}

/// What may go wrong here.
struct Problems;

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        problem::responses(&[ProblemKind::Unauthorized, ProblemKind::Internal, ProblemKind::Unavailable])
    }
}
