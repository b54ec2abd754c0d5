//! After the storm: everything must come to an end, and be true.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Context;
use jiff::Timestamp;
use rand::SeedableRng;
use rand::rngs::StdRng;
use sqlx::{Connection, PgConnection};
use tokio::time::{Instant, sleep, timeout};

use super::book::{Book, Request};
use super::crowd::Crowd;
use super::leaks::{leaks, panics, places};
use super::person::Person;
use super::recovery::Spread;
use super::seat::{all_are_well, stop_all};
use super::storm::Storm;
use super::watch::Watch;
use super::world::{LEASE, World};
use super::{Options, Report, Row, check, evidence, may_complete, recovery, rows, sights};
use crate::audit::{Scope, violations};

/// How long every sign-up may take to end, besides what the backlog takes.
const ENDS: Duration = Duration::from_secs(30);
/// How much longer those have that are stuck: at the run's pace an undo that keeps failing is tried each minute.
const STUCK: Duration = Duration::from_secs(90);
/// Of a backlog, so many end in a second at least.
const RATE: u32 = 20;
/// How long people may take to be answered.
const ANSWERED: Duration = Duration::from_mins(1);
/// How long everything else may take.
const REST: Duration = Duration::from_mins(5);
/// Sign-ups that are looked at once more through the API.
const LOOKS: usize = 500;

/// Those under way, and of them those that are not stuck.
const UNFINISHED: &str =
    "SELECT count(*), count(*) FILTER (WHERE stuck_since IS NULL) FROM sagas WHERE ended_at IS NULL";
const LATE: &str = "
SELECT format('L1 every sign-up ends: %s is %s at %s, attempt %s, due %s, stuck since %s, now %s',
              id, state, step, attempt, due_at, stuck_since, now())
  FROM sagas WHERE ended_at IS NULL AND (stuck_since IS NULL OR $1)";

/// Waits until everything has ended, and holds what must hold.
pub(super) async fn come(
    options: &Options,
    world: &World,
    book: &Arc<Book>,
    watch: &Watch,
    crowd: Crowd,
    storm: Storm,
    tell: impl Fn(&str),
) -> Report {
    let Storm { faults, healed, mut wrong, .. } = storm;
    wrong.extend(world.mend().await);
    let limit = limit(options, book.accepted());
    let settled = timeout(limit, Box::pin(settle(options, world, book, crowd, &healed, &mut wrong, tell))).await;
    let end = settled.context("not all is asked in time").flatten().unwrap_or_else(|error| {
        wrong.push(format!("T1 the test's own tools work: {error:#}"));
        End::default()
    });
    wrong.extend(watch.found());
    wrong.extend(watch.too_seldom(options.length));
    wrong.sort();
    wrong.dedup();
    let evidence = if wrong.is_empty() { None } else { Some(evidence::keep(world, options.seed).await) };
    let evidence = evidence.and_then(|kept| {
        kept.map_err(|error| wrong.push(format!("T1 the test's own tools work: no evidence is kept: {error:#}"))).ok()
    });
    Report {
        seed: options.seed,
        length: options.length,
        faults,
        requests: book.counts(),
        accepted: [book.accepted(), end.rows],
        ended: end.ended,
        unlucky: end.unlucky,
        looks: watch.looks.load(Ordering::Relaxed),
        recovery: end.recovery,
        settled: end.settled,
        sights: end.sights,
        violations: wrong,
        evidence,
    }
}

/// How long all that comes may take: people are answered, all end, twice, and all else; each look at everything takes the
/// longer the longer the run was.
fn limit(options: &Options, accepted: usize) -> Duration {
    let backlog = Duration::from_secs(accepted as u64) / RATE;
    ANSWERED + 2 * (ENDS + STUCK + backlog) + options.length + REST
}

/// What is known at the end, besides what is wrong.
#[derive(Debug, Default)]
struct End {
    rows: usize,
    ended: BTreeMap<String, usize>,
    unlucky: BTreeMap<String, usize>,
    recovery: [Spread; 2],
    settled: Duration,
    sights: BTreeMap<String, u64>,
}

/// Waits, and asks everything. What is wrong is in `wrong` also if something cannot be asked.
async fn settle(
    options: &Options,
    world: &World,
    book: &Arc<Book>,
    crowd: Crowd,
    healed: &[Timestamp],
    wrong: &mut Vec<String>,
    tell: impl Fn(&str),
) -> anyhow::Result<End> {
    let begun = Instant::now();
    match timeout(ANSWERED, crowd.end()).await {
        Ok(ended) => ended?,
        Err(_) => wrong.push("L2 every process is well again: people are not answered".to_owned()),
    }
    let mut database = PgConnection::connect(&world.url).await?;
    wrong.extend(all_end(&mut database, begun).await?);
    let settled = begun.elapsed();
    wrong.extend(all_are_well(world.seats()).await);
    tell("every sign-up has ended, or should have");

    let requests = ask_again(options, world, book).await;
    wrong.extend(all_end(&mut database, Instant::now()).await?);
    wrong.extend(violations(&mut database, Scope::All).await?.iter().map(ToString::to_string));
    let rows = rows(&mut database).await?;
    wrong.extend(check(book, &requests, &rows));
    wrong.extend(stop_all(world.seats()).await);
    let sights = sights::count(&mut database, &logs(world).await).await?;
    wrong.extend(sights::missing(&sights, options.is_long()));
    let recovery = recovery::recoveries(&mut database, healed).await?;
    database.close().await?;
    let somebody = requests.iter().find(|request| request.id.is_some()).context("nobody signed up")?;
    wrong.extend(leaks(&places(world, &somebody.email).await?).await?);
    wrong.extend(panics(world.cluster.folder()).await?);
    let (ended, unlucky) = fates(&requests, &rows);
    Ok(End { rows: rows.len(), ended, unlucky, recovery, settled, sights })
}

/// How many ended in which state, and of those that nobody meant to fail, how many failed for which reason.
fn fates(requests: &[Request], rows: &[Row]) -> (BTreeMap<String, usize>, BTreeMap<String, usize>) {
    let names: BTreeMap<_, _> = requests.iter().map(|request| (&request.email, &request.name)).collect();
    let (mut ended, mut unlucky) = (BTreeMap::new(), BTreeMap::new());
    for row in rows {
        *ended.entry(row.state.clone()).or_default() += 1;
        if row.state == "failed" && names.get(&row.email_key).is_some_and(|name| may_complete(name)) {
            *unlucky.entry(row.code.clone()).or_default() += 1;
        }
    }
    (ended, unlucky)
}

async fn logs(world: &World) -> Vec<PathBuf> {
    let mut logs = Vec::new();
    for seat in world.seats() {
        logs.extend(seat.lock().await.logs(&world.cluster));
    }
    logs
}

/// Waits until all have ended: which have not in time. Those that are stuck have longer, as nothing ails them any more.
async fn all_end(database: &mut PgConnection, since: Instant) -> anyhow::Result<Vec<String>> {
    let (backlog, _) = unfinished(database).await?;
    let limit = ENDS + Duration::from_secs(u64::try_from(backlog)?) / RATE;
    loop {
        let (left, moving) = unfinished(database).await?;
        let (late, later) = (since.elapsed() > limit, since.elapsed() > limit + STUCK);
        if left == 0 {
            return Ok(Vec::new());
        }
        if later || late && moving > 0 {
            return Ok(sqlx::query_scalar(LATE).bind(later).fetch_all(database).await?);
        }
        sleep(LEASE / 20).await;
    }
}

async fn unfinished(database: &mut PgConnection) -> anyhow::Result<(i64, i64)> {
    Ok(sqlx::query_as(UNFINISHED).fetch_one(database).await?)
}

/// Whoever never heard what became of their request asks again, and some of those who did hear the same. Everybody's
/// requests.
async fn ask_again(options: &Options, world: &World, book: &Arc<Book>) -> Vec<Request> {
    let random = StdRng::seed_from_u64(options.seed);
    let mut person = Person { book: Arc::clone(book), doors: Arc::clone(&world.doors), random };
    let mut requests = book.take_requests();
    for request in requests.iter_mut().filter(|request| request.id.is_none() && request.in_doubt) {
        person.sign_up(request).await;
    }
    for request in requests.iter_mut().filter(|request| request.id.is_some()).rev().take(LOOKS / 5) {
        person.send(request).await;
    }
    for id in book.ids().iter().rev().take(LOOKS) {
        person.look(id).await;
    }
    requests
}
