//! The processes that work on the database.

use async_trait::async_trait;
use saga::WorkerName;
use saga::fleet::{FORGOTTEN, Fleet, Process, Seen};
use saga::store::Error;
use sqlx::postgres::PgRow;

use super::Postgres;
use super::value::{between, count, get, millis, time};
use crate::busy;

pub(super) const SQL: &[(&str, &str)] = &[("fleet.beat", BEAT), ("fleet.leave", LEAVE), ("fleet.processes", PROCESSES)];

/// One process tells that it lives, and those that have been silent for long are forgotten.
const BEAT: &str = "
WITH f AS (
    DELETE FROM processes WHERE name <> $1 AND seen_at <= now() - $7 * interval '1 millisecond'
)
INSERT INTO processes (name, role, version, host, pid, busy, since, seen_at)
VALUES ($1, $2, $3, $4, $5, $6, now(), now())
    ON CONFLICT (name) DO UPDATE
   SET role = excluded.role, version = excluded.version, host = excluded.host, pid = excluded.pid,
       busy = excluded.busy, seen_at = excluded.seen_at";

const LEAVE: &str = "DELETE FROM processes WHERE name = $1";

const PROCESSES: &str = "
SELECT name, role, version, host, pid, busy, since, seen_at, now() AS now FROM processes ORDER BY name";

#[async_trait]
impl Fleet for Postgres {
    async fn beat(&self, process: &Process) -> Result<(), Error> {
        let Process { name, role, version, host, pid, busy } = process;
        let statement = sqlx::query(BEAT)
            .bind(name.as_str().to_owned())
            .bind(role.clone())
            .bind(version.clone())
            .bind(host.clone())
            .bind(i64::from(*pid))
            .bind(busy::to_json(busy))
            .bind(millis(FORGOTTEN));
        self.back.execute(statement).await.map(drop)
    }

    async fn leave(&self, name: &WorkerName) -> Result<(), Error> {
        self.back.execute(sqlx::query(LEAVE).bind(name.as_str().to_owned())).await.map(drop)
    }

    async fn processes(&self) -> Result<Vec<Seen>, Error> {
        self.back.fetch(sqlx::query(PROCESSES)).await?.iter().map(seen).collect()
    }
}

fn seen(row: &PgRow) -> Result<Seen, Error> {
    let at = time(row, "seen_at")?;
    let process = Process {
        name: WorkerName::from_stored(get(row, "name")?),
        role: get(row, "role")?,
        version: get(row, "version")?,
        host: get(row, "host")?,
        pid: count(row, "pid")?,
        busy: busy::from_json(&get::<String>(row, "busy")?)?,
    };
    Ok(Seen { process, since: time(row, "since")?, at, ago: between(at, time(row, "now")?) })
}
