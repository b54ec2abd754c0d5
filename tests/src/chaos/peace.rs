//! After the storm: everything must come to an end, and be true.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Context;
use rand::SeedableRng;
use rand::rngs::StdRng;
use sqlx::{Connection, PgConnection};
use tokio::time::{Instant, sleep, timeout};

use super::book::{Book, Request};
use super::crowd::Crowd;
use super::person::Person;
use super::storm::Storm;
use super::watch::Seen;
use super::world::{LEASE, World};
use super::{Options, Report, Row, check, evidence, leaks, may_complete, recovery, rows, sights};
use crate::audit::{Scope, violations};
use crate::eventually;

/// How long every sign-up may take to end, besides what the backlog takes.
const ENDS: Duration = Duration::from_secs(30);
/// How much longer those have that are stuck: at the run's pace an undo that keeps failing is tried each minute.
const STUCK: Duration = Duration::from_secs(90);
/// Of a backlog, so many end in a second at least.
const RATE: u32 = 20;
/// How long people may take to be answered.
const ANSWERED: Duration = Duration::from_mins(1);
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
    seen: &Seen,
    crowd: Crowd,
    storm: Storm,
    tell: impl Fn(&str),
) -> anyhow::Result<Report> {
    let begun = Instant::now();
    world.open_ways()?;
    let Storm { faults, healed, mut wrong, .. } = storm;
    timeout(ANSWERED, crowd.end()).await.context("people are not answered")??;
    let mut database = PgConnection::connect(&world.url).await?;
    wrong.extend(all_end(&mut database, begun).await?);
    let settled = begun.elapsed();
    wrong.extend(all_are_well(world).await);
    tell("every sign-up has ended, or should have");

    let requests = ask_again(options, world, book).await;
    wrong.extend(all_end(&mut database, Instant::now()).await?);
    wrong.extend(violations(&mut database, Scope::All).await?.iter().map(ToString::to_string));
    wrong.extend(seen.found());
    let rows = rows(&mut database).await?;
    wrong.extend(check(book, &requests, &rows));
    wrong.extend(stop_all(world).await);
    let sights = sights::count(&mut database, &logs(world).await).await?;
    wrong.extend(sights::missing(&sights, options.is_long()));
    let recovery = recovery::recoveries(&mut database, &healed).await?;
    database.close().await?;
    let somebody = requests.iter().find(|request| request.id.is_some()).context("nobody signed up")?;
    wrong.extend(leaks::leaks(world, &somebody.email).await?);
    wrong.extend(panics(world).await?);
    wrong.sort();
    wrong.dedup();
    let evidence = if wrong.is_empty() { None } else { Some(evidence::keep(world, options.seed).await?) };
    let (ended, unlucky) = fates(&requests, &rows);
    Ok(Report {
        seed: options.seed,
        length: options.length,
        faults,
        requests: book.counts(),
        accepted: [book.accepted(), rows.len()],
        ended,
        unlucky,
        looks: seen.looks.load(Ordering::Relaxed),
        recovery,
        settled,
        sights,
        violations: wrong,
        evidence,
    })
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

/// Which APIs are not well, or find that something they need is not.
async fn all_are_well(world: &World) -> Vec<String> {
    let mut wrong = Vec::new();
    for api in world.doors.all() {
        let ready = async || api.get("/readyz").await.ok().filter(|answer| answer.text("status") == "ready");
        if let Err(error) = eventually("an API is ready, and nothing ails it", ready).await {
            wrong.push(format!("L2 every process is well again: {error}"));
        }
    }
    wrong
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

/// SIGTERM to all: which did not end well.
async fn stop_all(world: &World) -> Vec<String> {
    let mut wrong = Vec::new();
    for seat in world.seats() {
        if let Err(error) = seat.lock().await.stop().await {
            wrong.push(format!("P1 processes live until they are ended, and end well: {error:#}"));
        }
    }
    wrong
}

/// What has panicked that was not made to.
async fn panics(world: &World) -> anyhow::Result<Vec<String>> {
    let files = leaks::files_with("panicked at", world.cluster.folder()).await?;
    Ok(files.into_iter().map(|file| format!("P2 nothing panics: {file}")).collect())
}
