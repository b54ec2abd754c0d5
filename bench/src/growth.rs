//! What a saga costs the database, as ended sagas grow in number.

use std::time::{Duration, Instant};

use figures::{Table, float, median, millis, percent, print, verdict};
use servers::{Durability, Postgres};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row};
use store::postgres::Database;

use crate::people::People;
use crate::serial::Serial;

/// How far the figures may be apart, the highest from the lowest.
const GOAL: f64 = 0.1;
/// Sagas before any counts: they fill the caches of connection and server.
const WARM_UP: usize = 200;

/// Ended sagas with all that they have made, from `$from` to `$to`. As a replica, no trigger has a say. Ids are in the
/// order of time, as the service's are; addresses are in no order.
const FILL: &str = "
SET session_replication_role = replica;
SET synchronous_commit = off;
CREATE TEMP TABLE people ON COMMIT DROP AS
SELECT n, 'epoch'::timestamptz + n * interval '1 s' AS at, md5('email' || n) || '@example.com' AS email,
       id('saga', n) AS saga_id, id('user', n) AS user_id, id('organization', n) AS organization_id,
       id('profile', n) AS profile_id
  FROM generate_series($from::bigint, $to::bigint) AS n;
INSERT INTO sagas (id, kind, version, state, epoch, seq, due_at, accepted_at, ended_at, user_id, organization_id,
                   profile_id, email, email_key, full_name, organization_name)
SELECT saga_id, 'signup', 1, 'completed', 4, 4, at, at, at, user_id, organization_id, profile_id, email, email,
       'Ada Lovelace', 'Analytical Engines' FROM people ORDER BY n;
INSERT INTO saga_events (saga_id, seq, epoch, kind, step, attempt, worker, took_ms, at)
SELECT saga_id, seq, seq, kind, step, sign(seq), worker, took_ms, at FROM people, (VALUES
    (0, 'accepted', NULL, NULL, NULL), (1, 'done', 'create_user', 'serial-0123456789ab', 0),
    (2, 'done', 'create_organization', 'serial-0123456789ab', 0),
    (3, 'done', 'create_profile', 'serial-0123456789ab', 0),
    (4, 'done', 'update_claims', 'serial-0123456789ab', 0)) AS e (seq, kind, step, worker, took_ms) ORDER BY n, seq;
INSERT INTO users (id, saga_id, email, email_key, password_hash, status, created_at)
SELECT user_id, saga_id, email, email, '$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$' || repeat('x', 43),
       'active', at FROM people ORDER BY n;
INSERT INTO identities (user_id, saga_id, provider, created_at)
SELECT user_id, saga_id, 'email', at FROM people ORDER BY n;
INSERT INTO organizations (id, saga_id, name, created_at)
SELECT organization_id, saga_id, 'Analytical Engines', at FROM people ORDER BY n;
INSERT INTO profiles (id, saga_id, user_id, organization_id, full_name, role, created_at)
SELECT profile_id, saga_id, user_id, organization_id, 'Ada Lovelace', 'owner', at FROM people ORDER BY n;
INSERT INTO claims (user_id, saga_id, organization_id, role, created_at)
SELECT user_id, saga_id, organization_id, 'owner', at FROM people ORDER BY n;";

/// A UUIDv7 of its own for each kind and number.
const ID: &str = "
CREATE FUNCTION id(kind text, n bigint) RETURNS uuid IMMUTABLE LANGUAGE sql AS $$
    SELECT (lpad(to_hex(1000000000000 + n), 12, '0') || '7' || substr(md5(kind || n), 1, 3) || '8'
            || substr(md5(kind || n), 4, 15))::uuid
$$;";

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Ended sagas, in rising order
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 100_000, 1_000_000])]
    ended: Vec<u32>,
    /// Sagas that are run at each number
    #[arg(long, default_value_t = 1000, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=10_000))]
    sagas: usize,
}

/// What one saga cost.
#[derive(Debug, Clone, Copy)]
struct Cost {
    /// Pages that were looked at, in memory or not.
    pages: f64,
    /// Of them, those that were not in the server's memory.
    read: f64,
    /// Bytes of the log, images of whole pages aside.
    logged: f64,
    /// Bytes of images of whole pages: one for each page that is changed for the first time after a checkpoint.
    images: f64,
    took: Duration,
}

pub(crate) async fn measure(arguments: &Arguments) -> anyhow::Result<()> {
    let server = Postgres::start(Durability::Full)?;
    let url = server.url("growth");
    let mut admin = PgConnection::connect(&server.url("postgres")).await?;
    // Nothing may go on in the background.
    admin.execute("CREATE DATABASE growth").await?;
    admin.execute("ALTER SYSTEM SET autovacuum = off").await?;
    admin.execute("SELECT pg_reload_conf()").await?;
    admin.execute("CREATE EXTENSION pg_walinspect").await?;
    Database::new(&url, 4)?.migrate().await?;
    let (mut filler, people) = (PgConnection::connect(&url).await?, People::new()?);
    filler.execute(ID).await?;
    let mut serial = Serial::connect(&url).await?;

    let title = format!("what a saga costs PostgreSQL: means of {} sagas, one at a time", arguments.sagas);
    let header = ["ended sagas", "pages", "of them read", "log", "page images", "median time"];
    let (mut table, mut costs, mut so_far) = (Table::new(title, &header), Vec::new(), 0);
    for &ended in &arguments.ended {
        let begun = Instant::now();
        fill(&mut filler, so_far + 1, ended).await?;
        so_far = ended;
        admin.execute("CHECKPOINT").await?;
        print(&format!("{ended} ended sagas made in {:.0} s\n", begun.elapsed().as_secs_f64()));
        let cost = cost(&mut serial, &mut admin, &people, arguments.sagas).await?;
        table.row([
            ended.to_string(),
            format!("{:.1}", cost.pages),
            format!("{:.2}", cost.read),
            format!("{:.0} B", cost.logged),
            format!("{:.0} B", cost.images),
            millis(cost.took),
        ]);
        costs.push(cost);
    }
    print("\n");
    table.print();
    report("pages", costs.iter().map(|cost| cost.pages));
    report("log  ", costs.iter().map(|cost| cost.logged));
    Ok(())
}

fn report(name: &str, values: impl Iterator<Item = f64> + Clone) {
    let (lowest, highest) = (values.clone().fold(f64::INFINITY, f64::min), values.fold(0.0, f64::max));
    let apart = highest / lowest - 1.0;
    let met = verdict(apart <= GOAL);
    print(&format!("{name} differ by {}, goal at most {}: {met}\n", percent(apart), percent(GOAL)));
}

async fn fill(filler: &mut PgConnection, from: u32, to: u32) -> anyhow::Result<()> {
    if from <= to {
        let fill = FILL.replace("$from", &from.to_string()).replace("$to", &to.to_string());
        filler.execute(AssertSqlSafe(fill)).await?;
    }
    filler.execute("VACUUM (ANALYZE)").await?;
    Ok(())
}

/// Runs sagas and sees what they have cost. The onlooker is in another database: it does not count itself.
async fn cost(serial: &mut Serial, onlooker: &mut PgConnection, people: &People, sagas: usize) -> anyhow::Result<Cost> {
    for proposal in people.proposals(WARM_UP)? {
        serial.run(std::slice::from_ref(&proposal)).await?;
    }
    let proposals = people.proposals(sagas)?;
    serial.connection().execute("SELECT pg_stat_force_next_flush()").await?;
    let before = pages(onlooker).await?;
    let from: String = sqlx::query_scalar("SELECT pg_current_wal_insert_lsn()::text").fetch_one(&mut *onlooker).await?;
    let mut took = Vec::with_capacity(sagas);
    for proposal in &proposals {
        let begun = Instant::now();
        serial.run(std::slice::from_ref(proposal)).await?;
        took.push(begun.elapsed());
    }
    serial.connection().execute("SELECT pg_stat_force_next_flush()").await?;
    let after = pages(onlooker).await?;
    let log = sqlx::query(
        "SELECT sum(record_size)::float8, sum(fpi_size)::float8
           FROM pg_get_wal_stats($1::pg_lsn, pg_current_wal_flush_lsn())",
    );
    let log = log.bind(from).fetch_one(onlooker).await?;
    let each = |sum: f64| sum / float(sagas);
    Ok(Cost {
        pages: each(after.0 - before.0),
        read: each(after.1 - before.1),
        logged: each(log.try_get(0)?),
        images: each(log.try_get(1)?),
        took: median(took),
    })
}

/// Pages that were looked at so far, and those of them that were read.
async fn pages(onlooker: &mut PgConnection) -> anyhow::Result<(f64, f64)> {
    let row = sqlx::query(
        "SELECT (blks_hit + blks_read)::float8, blks_read::float8 FROM pg_stat_database WHERE datname = 'growth'",
    );
    let row = row.fetch_one(onlooker).await?;
    Ok((row.try_get(0)?, row.try_get(1)?))
}
