//! After the storm: everything must come to an end, and be true.

use std::collections::BTreeMap;
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
use super::{Options, Report, check, evidence, leaks, may_complete, recovery, rows, sights};
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
    let healed = Instant::now();
    world.open_ways()?;
    let Storm { faults, healed: ends, mut wrong, .. } = storm;
    timeout(ANSWERED, crowd.end()).await.context("people are not answered")??;
    let mut database = PgConnection::connect(&world.url).await?;
    wrong.extend(all_end(&mut database, healed).await?);
    let settled = healed.elapsed();
    for api in world.doors.all() {
        let ready = async || api.get("/readyz").await.ok().filter(|answer| answer.text("status") == "ready");
        if let Err(error) = eventually("an API is ready, and nothing ails it", ready).await {
            wrong.push(format!("L2 every process is well again: {error}"));
        }
    }
    tell("every sign-up has ended, or should have");

    let random = StdRng::seed_from_u64(options.seed);
    let mut person = Person { book: Arc::clone(book), doors: Arc::clone(&world.doors), random };
    let mut requests = book.take_requests();
    ask_again(&mut person, &mut requests).await;
    wrong.extend(all_end(&mut database, Instant::now()).await?);
    for id in book.ids().iter().rev().take(LOOKS) {
        person.look(id).await;
    }
    wrong.extend(violations(&mut database, Scope::All).await?.iter().map(ToString::to_string));
    wrong.extend(seen.found());
    let rows = rows(&mut database).await?;
    wrong.extend(check(book, &requests, &rows));
    wrong.extend(stop_all(world).await);
    let mut logs = Vec::new();
    for seat in world.seats() {
        logs.extend(seat.lock().await.logs(&world.cluster));
    }
    let sights = sights::count(&mut database, &logs).await?;
    wrong.extend(sights::missing(&sights, options.is_long()));
    let recovery = recovery::recoveries(&mut database, &ends).await?;
    database.close().await?;
    let somebody = requests
        .iter()
        .find(|request| request.id.is_some())
        .map(|request| request.email.clone())
        .context("nobody signed up")?;
    wrong.extend(leaks::leaks(world, &somebody).await?);
    wrong.extend(panics(world).await?);

    let mut ended = BTreeMap::<String, usize>::new();
    for row in &rows {
        *ended.entry(row.state.clone()).or_default() += 1;
    }
    let names: BTreeMap<_, _> = requests.iter().map(|request| (&request.email, &request.name)).collect();
    let meant_well = |email: &String| names.get(email).is_some_and(|name| may_complete(name));
    let mut unlucky = BTreeMap::<String, usize>::new();
    for row in rows.iter().filter(|row| row.state == "failed" && meant_well(&row.email_key)) {
        *unlucky.entry(row.code.clone()).or_default() += 1;
    }
    wrong.sort();
    wrong.dedup();
    let evidence = if wrong.is_empty() { None } else { Some(evidence::keep(world, options.seed).await?) };
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

/// Whoever never heard what became of their request asks again, and whoever did hears the same.
async fn ask_again(person: &mut Person, requests: &mut [Request]) {
    let doubting = requests.iter_mut().filter(|request| request.id.is_none() && request.in_doubt);
    for request in doubting {
        person.sign_up(request).await;
    }
    for request in requests.iter_mut().filter(|request| request.id.is_some()).rev().take(LOOKS / 5) {
        person.send(request).await;
    }
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
