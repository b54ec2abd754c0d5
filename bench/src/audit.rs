//! What an audit takes, as ended sagas grow in number.

use std::sync::Arc;
use std::time::{Duration, Instant};

use auditor::{Auditor, Checked, Evidence};
use figures::{Table, median, millis, print, verdict};
use saga::{OsRandom, SagaId, SystemClock, WorkerName};
use servers::{Durability, Postgres};
use sqlx::{Connection, Executor, PgConnection};
use store::postgres::Database;

use crate::ended;

/// So long an auditor looks in a turn: within it a million are to be looked over.
const GOAL: Duration = Duration::from_secs(8);
/// As an auditor looks.
const SLICE: u32 = 10_000;
/// As many as an auditor reads at a time.
const BATCH: u32 = 200;
/// A user without a saga, in the middle of all ids, and the profile of the last sign-up gone.
const PLANT: &str = "
SET session_replication_role = replica;
DELETE FROM findings; DELETE FROM audit_turn;
DELETE FROM users WHERE email_key = 'orphan@example.com';
INSERT INTO users (id, saga_id, email, email_key, password_hash, status, created_at)
VALUES (gen_random_uuid(), gen_random_uuid(), 'orphan@example.com', 'orphan@example.com', '$argon2id$x', 'active', now());
DELETE FROM profiles WHERE saga_id = (SELECT id FROM sagas ORDER BY id DESC LIMIT 1)";

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Ended sagas, in rising order
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 100_000, 1_000_000])]
    ended: Vec<u32>,
    /// How often each is measured
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=20))]
    rounds: u32,
}

pub(crate) async fn measure(arguments: &Arguments) -> anyhow::Result<()> {
    let server = Postgres::start(Durability::Full)?;
    let url = server.url("audit");
    PgConnection::connect(&server.url("postgres")).await?.execute("CREATE DATABASE audit").await?;
    let database = Database::new(&url, 4)?;
    database.migrate().await?;
    let store = Arc::new(database.open().await?);
    let mut filler = PgConnection::connect(&url).await?;
    filler.execute(ended::ID).await?;
    let header =
        ["ended sagas", "all looked over", "the slowest 10 000", "200 journals", "a turn", "turns until found"];
    let (mut table, mut so_far, mut whole) = (Table::new("an audit on PostgreSQL: medians", &header), 0, Duration::MAX);
    for &ended in &arguments.ended {
        ended::fill(&mut filler, so_far + 1, ended).await?;
        so_far = ended;
        let (mut looks, mut slowest, mut reads) = (Vec::new(), Duration::ZERO, Vec::new());
        for _ in 0..arguments.rounds {
            let (all, slow) = look(&*store).await?;
            looks.push(all);
            slowest = slowest.max(slow);
            let begun = Instant::now();
            let next = store.next(None, BATCH).await?;
            auditor::invariants::findings(&store.facts_of(&next).await?);
            reads.push(begun.elapsed());
        }
        filler.execute(PLANT).await?;
        let (turn, turns) = found(&store, &mut filler).await?;
        whole = median(looks);
        table.row([
            ended.to_string(),
            millis(whole),
            millis(slowest),
            millis(median(reads)),
            millis(turn),
            turns.to_string(),
        ]);
    }
    print("\n");
    table.print();
    let met = verdict(whole < GOAL);
    print(&format!("the most of them are looked over in {}, goal less than {}: {met}\n", millis(whole), millis(GOAL)));
    Ok(())
}

/// Looks over everything: how long it took, and how long its slowest part.
async fn look(evidence: &dyn Evidence) -> anyhow::Result<(Duration, Duration)> {
    let (begun, mut at, mut slowest) = (Instant::now(), None::<SagaId>, Duration::ZERO);
    loop {
        let slice = Instant::now();
        at = evidence.look(at, SLICE).await?.upto;
        slowest = slowest.max(slice.elapsed());
        if at.is_none() {
            return Ok((begun.elapsed(), slowest));
        }
    }
}

/// Takes turns until what was planted is found: how long the longest took, and how many they were.
async fn found(store: &Arc<store::Postgres>, database: &mut PgConnection) -> anyhow::Result<(Duration, u32)> {
    let name = WorkerName::from_stored("bench".to_owned());
    let auditor = Auditor::new(Arc::<store::Postgres>::clone(store), name, Arc::new(SystemClock), Arc::new(OsRandom));
    let (mut longest, mut turns) = (Duration::ZERO, 0);
    loop {
        let begun = Instant::now();
        let checked: Checked = auditor.turn().await?.unwrap_or_default();
        longest = longest.max(begun.elapsed());
        turns += 1;
        if checked.wrong >= 3 || turns == 20 {
            return Ok((longest, turns));
        }
        // As if the time until the next had passed.
        database.execute("UPDATE audit_turn SET taken_at = 'epoch'").await?;
    }
}
