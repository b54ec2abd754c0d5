//! (g) Many clients that are told what becomes of sign-ups, while nothing does.

use std::time::Duration;

use anyhow::Context;
use figures::Memory;
use futures_util::stream::iter;
use futures_util::{StreamExt, TryStreamExt};
use rustix::process::{Resource, getrlimit, setrlimit};
use tests::Client;
use tokio::time::sleep;

use crate::findings::Findings;
use crate::metrics::{Metrics, growth};
use crate::people::{ADA, ask};
use crate::stage::{Kind, Stage};
use crate::wire::{Connection, events, open};

/// How many clients.
const CLIENTS: usize = 10_000;
/// Files that each process has open besides, and more.
const BESIDES: u64 = 1_000;
/// Sign-ups that they follow, in turn.
const FOLLOWED: [usize; 2] = [100, CLIENTS];
/// How many are asked for at a time.
const AT_ONCE: usize = 64;
/// For how long queries are counted.
const WINDOW: Duration = Duration::from_secs(10);
/// Queries a second, more than without them: one for all, each 25 ms at most.
const QUERIES: f64 = 40.0;
/// What the process counts them by.
const COUNTED: &str = "signup_waiter_queries_total";
/// What PostgreSQL counts them by: each statement of ours is a transaction.
const COMMITS: &str = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()";

/// What one second costs.
struct Second {
    /// Transactions, by PostgreSQL's count.
    commits: f64,
    /// Queries for whoever waits, by the process' own count.
    counted: Option<f64>,
}

pub(crate) async fn measure(kind: Kind) -> anyhow::Result<Findings> {
    let mut findings = Findings::default();
    if kind == Kind::Embedded {
        findings.skip("10 000 streams", "without a worker nothing becomes of sign-ups, and `signup serve` has one");
        return Ok(findings);
    }
    if let Some(limit) = too_few_files()? {
        findings.skip("10 000 streams", format!("a process may have {limit} files open here (ulimit -Hn)"));
        return Ok(findings);
    }
    for followed in FOLLOWED {
        if !streams(followed, &mut findings).await? {
            break;
        }
    }
    Ok(findings)
}

/// Lets this process and those that it starts have as many files open as it takes; or how many they may have.
fn too_few_files() -> anyhow::Result<Option<u64>> {
    let (mut limit, wanted) = (getrlimit(Resource::Nofile), u64::try_from(CLIENTS)? + BESIDES);
    if let Some(most) = limit.maximum.filter(|most| *most < wanted) {
        return Ok(Some(most));
    }
    limit.current = Some(limit.current.map_or(wanted, |now| now.max(wanted)));
    setrlimit(Resource::Nofile, limit)?;
    Ok(None)
}

/// Whether there are streams at all.
async fn streams(followed: usize, findings: &mut Findings) -> anyhow::Result<bool> {
    let mut stage = Stage::without_worker().await?;
    let what = format!("{CLIENTS} streams of {followed}");
    let ids = under_way(&stage.client, followed).await?;
    let alone = Memory::of(stage.pid)?.resident;
    let mut connections = open(&stage.address, CLIENTS).await?;
    let (idle, connected) = (second(&mut stage).await?, Memory::of(stage.pid)?.resident);

    let first = connections[0].listen(&events(&ids[0])).await?;
    if first != 200 {
        findings.not_measurable(&what, &format!("the answer is {first}"), "there are streams");
        return Ok(false);
    }
    let rest = connections.iter_mut().zip(ids.iter().cycle()).skip(1);
    let rest = iter(rest).map(|(connection, id)| listen(connection, id)).buffer_unordered(AT_ONCE);
    let open = rest.try_fold(1, async |open, status| Ok(open + usize::from(status == 200))).await?;
    let (with, full) = (second(&mut stage).await?, Memory::of(stage.pid)?.resident);
    findings.exactly(&format!("{what}: open"), open, CLIENTS);
    let [before, between, after] = [alone, connected, full].map(|bytes| format!("{} MB", bytes >> 20));
    findings.tell(&format!("{what}: memory before, connected, with them"), format!("{before}, {between}, {after}"));
    let each = |from: u64| anyhow::Ok(full.saturating_sub(from) / u64::try_from(CLIENTS)?);
    let shown = format!("{} bytes, {} of them its connection's", each(alone)?, each(alone)? - each(connected)?);
    findings.tell(&format!("{what}: memory for each"), shown);
    let more = with.commits - idle.commits;
    let target = format!("<= {QUERIES:.0}");
    findings.holds(&format!("{what}: queries a second"), format!("{more:.1}"), target, more <= QUERIES);
    if let Some(counted) = with.counted {
        findings.tell(&format!("{what}: of these, for whoever waits"), format!("{counted:.1}"));
    }
    Ok(true)
}

/// So many sign-ups that nobody works on.
async fn under_way(client: &Client, count: usize) -> anyhow::Result<Vec<String>> {
    let asking = iter(0..count).map(async |_| {
        let asked = ask(client, ADA).await;
        asked.id().map(str::to_owned).with_context(|| format!("not accepted: {asked:?}"))
    });
    asking.buffer_unordered(AT_ONCE).try_collect().await
}

async fn listen(connection: &mut Connection, id: &str) -> anyhow::Result<u16> {
    connection.listen(&events(id)).await
}

/// What a second costs now.
async fn second(stage: &mut Stage) -> anyhow::Result<Second> {
    let (commits, metrics) = (commits(stage)?, Metrics::of(&stage.client).await);
    sleep(WINDOW).await;
    let after = Metrics::of(&stage.client).await;
    let per_second = |count: f64| count / WINDOW.as_secs_f64();
    let counted = growth(COUNTED, &metrics, &after).map(per_second);
    Ok(Second { commits: per_second(self::commits(stage)? - commits), counted })
}

fn commits(stage: &mut Stage) -> anyhow::Result<f64> {
    let postgres = stage.postgres().context("no database server")?;
    Ok(postgres.ask("postgres", COMMITS)?.parse()?)
}
