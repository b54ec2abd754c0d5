//! The processes that work on the file.

use async_trait::async_trait;
use saga::WorkerName;
use saga::fleet::{FORGOTTEN, Fleet, Process, Seen};
use saga::store::Error;
use sqlx::sqlite::SqliteRow;

use super::Sqlite;
use super::transaction::Transaction;
use super::value::{self, Millis, between, count, get, millis, timestamp};
use super::writer::Write;
use crate::busy;

pub(super) const SQL: &[(&str, &str)] =
    &[("fleet.beat", BEAT), ("fleet.forget", FORGET), ("fleet.leave", LEAVE), ("fleet.processes", PROCESSES)];

const BEAT: &str = "
INSERT INTO processes (name, role, version, host, pid, busy, since, seen_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $7)
    ON CONFLICT (name) DO UPDATE
   SET role = excluded.role, version = excluded.version, host = excluded.host, pid = excluded.pid,
       busy = excluded.busy, seen_at = excluded.seen_at";

const FORGET: &str = "DELETE FROM processes WHERE seen_at <= $1 - $2";

const LEAVE: &str = "DELETE FROM processes WHERE name = $1";

const PROCESSES: &str = "SELECT name, role, version, host, pid, busy, since, seen_at FROM processes ORDER BY name";

struct Beat(Process);

#[async_trait]
impl Write for Beat {
    type Output = ();

    async fn apply(&self, db: &mut Transaction<'_>, now: Millis) -> Result<(), Error> {
        let db = db.connection().await?;
        let Process { name, role, version, host, pid, busy } = &self.0;
        let beat = sqlx::query(BEAT)
            .bind(name.as_str())
            .bind(role)
            .bind(version)
            .bind(host)
            .bind(pid)
            .bind(busy::to_json(busy))
            .bind(now);
        beat.execute(&mut *db).await.map_err(value::error)?;
        let forget = sqlx::query(FORGET).bind(now).bind(millis(FORGOTTEN));
        forget.execute(db).await.map(drop).map_err(value::error)
    }
}

struct Leave(WorkerName);

#[async_trait]
impl Write for Leave {
    type Output = ();

    async fn apply(&self, db: &mut Transaction<'_>, _: Millis) -> Result<(), Error> {
        let db = db.connection().await?;
        sqlx::query(LEAVE).bind(self.0.as_str()).execute(db).await.map(drop).map_err(value::error)
    }
}

#[async_trait]
impl Fleet for Sqlite {
    async fn beat(&self, process: &Process) -> Result<(), Error> {
        self.writer.write(Beat(process.clone())).await
    }

    async fn leave(&self, name: &WorkerName) -> Result<(), Error> {
        self.writer.write(Leave(name.clone())).await
    }

    async fn processes(&self) -> Result<Vec<Seen>, Error> {
        let rows = sqlx::query(PROCESSES).fetch_all(&self.readers).await.map_err(value::error)?;
        let now = value::now(&*self.clock);
        rows.iter().map(|row| seen(row, now)).collect()
    }
}

fn seen(row: &SqliteRow, now: Millis) -> Result<Seen, Error> {
    let seen_at = get(row, "seen_at")?;
    let process = Process {
        name: WorkerName::from_stored(get(row, "name")?),
        role: get(row, "role")?,
        version: get(row, "version")?,
        host: get(row, "host")?,
        pid: count(row, "pid")?,
        busy: busy::from_json(&get::<String>(row, "busy")?)?,
    };
    Ok(Seen { process, since: timestamp(get(row, "since")?)?, at: timestamp(seen_at)?, ago: between(seen_at, now) })
}
