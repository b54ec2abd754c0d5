//! What a saga costs the database, as ended sagas grow in number.

use std::time::{Duration, Instant};

use figures::{Table, float, median, millis, percent, print, verdict};
use servers::{Durability, Postgres};
use sqlx::{Connection, Executor, PgConnection, Row};
use store::postgres::Database;

use crate::ended;
use crate::people::People;
use crate::serial::Serial;

/// How far the figures may be apart, the highest from the lowest.
const GOAL: f64 = 0.1;
/// Sagas before any counts: they fill the caches of connection and server.
const WARM_UP: usize = 200;

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
    filler.execute(ended::ID).await?;
    let mut serial = Serial::connect(&url).await?;

    let title = format!("what a saga costs PostgreSQL: means of {} sagas, one at a time", arguments.sagas);
    let header = ["ended sagas", "pages", "of them read", "log", "page images", "median time"];
    let (mut table, mut costs, mut so_far) = (Table::new(title, &header), Vec::new(), 0);
    for &ended in &arguments.ended {
        let begun = Instant::now();
        ended::fill(&mut filler, so_far + 1, ended).await?;
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
