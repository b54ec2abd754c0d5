//! `GET /readyz`: whether the process can do its work. Whatever distributes requests goes by it.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::openapi::RefOr;
use utoipa::{IntoResponses, ToSchema};

use super::{Condition, Finding, Health, Phase};
use crate::problem::{self, Kind, Problem};

/// The process can do its work.
#[derive(Serialize, ToSchema)]
pub(crate) struct Readiness {
    status: Status,
    /// What it does its work with.
    components: Vec<ComponentStatus>,
}

/// `ready`, or `degraded`: it does its work, if not as quickly as it should.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ReadinessStatus)]
enum Status {
    Ready,
    Degraded,
}

/// A component, and how it is.
#[derive(Serialize, ToSchema)]
struct ComponentStatus {
    /// What it is called: `database`.
    name: &'static str,
    /// What is wrong with it, if anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    trouble: Option<&'static str>,
}

/// Tell whether the process can do its work
///
/// It cannot while it starts, once it is about to stop, and while a component is down that it cannot do without: the
/// problem names that.
#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "check_readiness",
    tag = "service",
    responses(
        (status = 200, description = "The process can do its work.", body = Readiness,
            example = json!(Readiness::example())),
        Problems
    )
)]
pub(crate) async fn check(State(health): State<Arc<Health>>) -> Result<Json<Readiness>, Problem> {
    let unready = |component, why| Err(Problem::NotReady { component, why });
    let phase = health.phase().clone();
    match phase {
        Phase::Starting => unready("process", "it is starting, and its log says what it waits for"),
        Phase::Stopping => unready("process", "it is about to stop"),
        Phase::Working(components) => {
            let findings = health.findings(&components).await;
            let down = |finding: &Finding| match &finding.condition {
                Condition::Down(trouble) => Some((finding.component, trouble.shown)),
                Condition::Well | Condition::Degraded(_) => None,
            };
            match findings.iter().find_map(down) {
                Some((component, why)) => unready(component, why),
                None => Ok(Json(Readiness::of(&findings))),
            }
        }
    }
}

impl Readiness {
    fn of(findings: &[Finding]) -> Self {
        let components = findings.iter().map(|finding| {
            let trouble = match &finding.condition {
                Condition::Well => None,
                Condition::Degraded(trouble) | Condition::Down(trouble) => Some(trouble.shown),
            };
            ComponentStatus { name: finding.component, trouble }
        });
        let components: Vec<_> = components.collect();
        let is_well = components.iter().all(|component| component.trouble.is_none());
        Self { status: if is_well { Status::Ready } else { Status::Degraded }, components }
    }

    fn example() -> Self {
        Self::of(&[Finding { component: "database", condition: Condition::Well }])
    }
}

/// What may go wrong here.
struct Problems;

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        problem::responses(&[Kind::NotReady])
    }
}
