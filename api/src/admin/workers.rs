//! `GET /v1/admin/workers`: the processes that work on sagas.

use std::collections::BTreeMap;

use axum::Json;
use jiff::Timestamp;
use saga::fleet::{Process, SILENT, Seen};
use saga::{StepName, WorkerName};
use serde::Serialize;
use utoipa::openapi::RefOr;
use utoipa::{IntoResponses, ToSchema};

use super::desk::Desk;
use crate::problem::{self, Kind, Problem};
use crate::time::shown;

/// The processes that work on sagas.
#[derive(Serialize, ToSchema)]
#[schema(as = Workers)]
pub(super) struct List {
    /// Each of them, by name.
    workers: Vec<Worker>,
}

/// A process.
#[derive(Serialize, ToSchema)]
struct Worker {
    /// Its name, which its leases bear.
    name: String,
    /// The command that it runs.
    role: String,
    /// The program's version.
    version: String,
    /// The machine it runs on.
    host: String,
    /// Its process id there.
    pid: u32,
    /// Whether it has been heard of lately.
    state: Pulse,
    /// When it was first seen.
    #[schema(format = "date-time")]
    since: String,
    /// When it was last seen.
    #[schema(format = "date-time")]
    seen_at: String,
    /// How many milliseconds ago that was.
    seen_ago_ms: u64,
    /// What it is doing, by step.
    busy: BTreeMap<String, Busy>,
}

/// `alive`, or `silent`: not heard of for 15 seconds, and taken for gone.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = WorkerState)]
enum Pulse {
    Alive,
    Silent,
}

/// How busy a process is with a step.
#[derive(Serialize, ToSchema)]
struct Busy {
    /// Jobs that it has in hand.
    running: usize,
    /// Jobs that it takes at most.
    slots: usize,
}

/// List the processes that work on sagas
#[utoipa::path(
    get,
    path = "/v1/admin/workers",
    operation_id = "list_workers",
    tag = "operators",
    security(("operator" = ["viewer"])),
    responses((status = 200, description = "The processes.", body = List, example = json!(List::example())), Problems)
)]
pub(super) async fn list(desk: Desk) -> Result<Json<List>, Problem> {
    let seen = desk.api.fleet.processes().await.map_err(|error| Problem::unread(&error))?;
    Ok(Json(List { workers: seen.into_iter().map(Worker::of).collect() }))
}

impl Worker {
    fn of(seen: Seen) -> Self {
        let Seen { process, since, at, ago } = seen;
        let busy = process.busy.iter().map(|(step, busy)| {
            let busy = Busy { running: busy.running, slots: busy.slots };
            (step.to_string(), busy)
        });
        Self {
            name: process.name.to_string(),
            busy: busy.collect(),
            role: process.role,
            version: process.version,
            host: process.host,
            pid: process.pid,
            state: if ago > SILENT { Pulse::Silent } else { Pulse::Alive },
            since: shown(since),
            seen_at: shown(at),
            seen_ago_ms: u64::try_from(ago.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

impl List {
    fn example() -> Self {
        const SINCE: Timestamp = Timestamp::constant(1_767_323_045, 250_000_000);
        const AT: Timestamp = Timestamp::constant(1_767_326_645, 250_000_000);
        let busy = saga::fleet::Busy { running: 2, slots: 32 };
        let process = Process {
            name: WorkerName::from_stored("embedded-5f1c0b7a9e24".to_owned()),
            role: "serve".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            host: "db1".to_owned(),
            pid: 4711,
            busy: BTreeMap::from([(StepName::new("create_profile"), busy)]),
        };
        let ago = std::time::Duration::from_millis(1200);
        Self { workers: vec![Worker::of(Seen { process, since: SINCE, at: AT, ago })] }
    }
}

/// What may go wrong here.
struct Problems;

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        problem::responses(&[Kind::Unauthorized, Kind::Internal, Kind::Unavailable])
    }
}
