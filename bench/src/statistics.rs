//! What it takes to tell how sign-ups go, as ended sagas grow in number.

use std::time::{Duration, Instant};

use anyhow::Context;
use figures::{Table, median, millis, print};
use saga::Backlog;
use servers::{Durability, Postgres};
use signup::statistics::Statistics;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use store::postgres::Database;

use crate::ended;

/// At most so many sagas are made in one go.
const PART: u32 = 1_000_000;
/// A day of minutes, in each as many rows as many processes of a busy service count.
const DAY: &str = "
DELETE FROM statistics;
INSERT INTO statistics (minute, kind, word, class, count)
SELECT date_trunc('minute', now()) - m * interval '1 min', kind, word, class, 1 + m % 100
  FROM generate_series(0, 1439) AS m, (
    SELECT 'asked' AS kind, answer AS word, class
      FROM unnest(ARRAY['accepted', 'replayed', 'email_taken', 'rate_limited', 'invalid_fields']) AS answer,
           unnest(ARRAY['gmail', 'outlook', 'yahoo', 'icloud', 'proton', 'gmx', 'other']) AS class
     UNION ALL
    SELECT 'ended', outcome, class FROM unnest(ARRAY['completed', 'failed']) AS outcome,
           unnest(ARRAY['gmail', 'outlook', 'yahoo', 'icloud', 'proton', 'gmx', 'other']) AS class
     UNION ALL
    SELECT 'done', step, '' FROM unnest(ARRAY['create_user', 'create_organization', 'create_profile', 'update_claims']) AS step
     UNION ALL
    SELECT 'turned_back', 'create_user ' || code, '' FROM unnest(ARRAY['email_taken', 'expired', 'step_failed']) AS code
     UNION ALL
    SELECT kind, bucket::text, '' FROM unnest(ARRAY['accepting', 'completing']) AS kind, generate_series(20, 60) AS bucket
  ) AS counted;";

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Ended sagas, in rising order
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 1_000_000])]
    ended: Vec<u32>,
    /// How often each is measured
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=20))]
    rounds: u32,
}

pub(crate) async fn measure(arguments: &Arguments) -> anyhow::Result<()> {
    let server = Postgres::start(Durability::Full)?;
    let url = server.url("statistics");
    PgConnection::connect(&server.url("postgres")).await?.execute("CREATE DATABASE statistics").await?;
    let database = Database::new(&url, 4)?;
    database.migrate().await?;
    let (store, mut filler) = (database.open().await?, PgConnection::connect(&url).await?);
    filler.execute(ended::ID).await?;
    let outline = signup::outline();
    let header = ["ended sagas", "the last hour", "the last day", "how many wait", "the longest wait"];
    let (mut table, mut so_far) = (Table::new("telling how sign-ups go, on PostgreSQL: medians", &header), 0);
    for &ended in &arguments.ended {
        while so_far < ended {
            let to = ended.min(so_far + PART);
            ended::fill(&mut filler, so_far + 1, to).await?;
            so_far = to;
        }
        filler.execute(DAY).await?;
        filler.execute("VACUUM (ANALYZE) statistics").await?;
        let mut took: [Vec<Duration>; 4] = Default::default();
        for _ in 0..arguments.rounds {
            let mut begun = Instant::now();
            let mut next = |took: &mut Vec<Duration>| {
                took.push(begun.elapsed());
                begun = Instant::now();
            };
            store.sums(Duration::from_hours(1)).await?;
            next(&mut took[0]);
            store.sums(Duration::from_hours(24)).await?;
            next(&mut took[1]);
            store.census(&outline).await?;
            next(&mut took[2]);
            store.longest_wait(&outline).await?;
            next(&mut took[3]);
        }
        let [hour, day, census, longest] = took.map(|took| millis(median(took)));
        table.row([ended.to_string(), hour, day, census, longest]);
    }
    print("\n");
    table.print();
    print("\nthe plan of a day's sums, as the store runs it:\n\n");
    print(&plan(&mut filler).await?);
    Ok(())
}

/// The plan of the statement that sums a day.
async fn plan(database: &mut PgConnection) -> anyhow::Result<String> {
    let sums =
        store::Postgres::statements().find(|(name, _)| *name == "statistics.sums").context("no such statement")?.1;
    database
        .execute("SET enable_seqscan = off; SET enable_bitmapscan = off; SET plan_cache_mode = force_generic_plan")
        .await?;
    database.execute(AssertSqlSafe(format!("PREPARE sums (bigint) AS {sums}"))).await?;
    let explain = "EXPLAIN (ANALYZE, COSTS OFF, BUFFERS) EXECUTE sums(86400000)";
    let lines: Vec<String> = sqlx::query_scalar(explain).persistent(false).fetch_all(database).await?;
    Ok(lines.join("\n") + "\n")
}
