//! What stands still: the database, and a step. Who asks for a sign-up is answered all the same.

use futures_util::future::join_all;
use servers::{Durability, Postgres as Machine};
use tests::Cluster;
use tokio::task::block_in_place;
use tokio::time::{Duration, Instant, sleep};

use super::{PACE, members, nothing_is_lost};
use crate::BUSY;
use crate::cluster::{HANGS_ONCE, stop};
use crate::load::{Load, Rota, Sent};
use crate::site::Site;

/// How long the database stands still.
const FROZEN: Duration = Duration::from_secs(10);
/// The longest that anybody waits for an answer.
const LONGEST: Duration = Duration::from_secs(6);
/// More than a worker has slots for a step.
const MANY: usize = 100;

fn slowest(story: &[Sent]) -> Duration {
    story.iter().map(|sent| sent.took).max().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_stands_still_every_answer_comes_within_6_seconds_and_then_all_goes_on() {
    let _quiet = BUSY.write().await;
    let mut machine = block_in_place(|| Machine::start(Durability::None)).unwrap();
    let url = machine.url("postgres");
    let cluster = Cluster::on(&url).await.unwrap();
    cluster.migrate().await.unwrap();
    let members = members(&cluster, 2, 2).await;
    let clients = [members[0].client().await.unwrap(), members[1].client().await.unwrap()];
    let load = Load::begin(6, &Rota::to(clients));
    load.goes_on(50).await;
    let begun = Instant::now();
    block_in_place(|| machine.pause()).unwrap();
    // It is not waited for: this is how long the fault lasts.
    sleep(FROZEN).await;
    let put_off = load.put_off_since(begun);
    block_in_place(|| machine.resume()).unwrap();
    let took = load.goes_on(1).await;
    load.goes_on(50).await;

    let story = load.end().await;
    let slowest = slowest(&story);
    println!("{put_off} put off, the slowest answer {slowest:?}; accepted again after {took:?}");
    assert!(put_off >= 6 && slowest < LONGEST, "{put_off} put off, {slowest:?}");
    assert!(took < Duration::from_secs(5), "{took:?}");
    nothing_is_lost(&url, &story).await;
    stop(members).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_step_takes_its_time_with_everybody_all_are_accepted_at_once_and_complete_later() {
    let _quiet = BUSY.write().await;
    let site = Site::with_database().await;
    let cluster = Cluster::on(&site.url).await.unwrap().telling(&[(PACE, "0.2")]);
    cluster.migrate().await.unwrap();
    let members = members(&cluster, 1, 1).await;
    let client = members[0].client().await.unwrap();
    let asking = (0..MANY).map(async |number| {
        let (email, at) = (format!("slow-{number}@example.com"), Instant::now());
        let answer = client.sign_up(&email, HANGS_ONCE, 0).await;
        Sent { email, at, took: at.elapsed(), answer }
    });
    let story = join_all(asking).await;
    assert!(story.iter().all(|sent| sent.id().is_some()), "{story:?}");
    let late = client.sign_up("late@example.com", "Ada", 0).await.unwrap();
    assert_eq!((late.status, late.text("status")), (202, "pending"), "{late:?}");
    let slowest = slowest(&story);
    println!("{MANY} accepted, the slowest answer {slowest:?}");
    assert!(slowest < LONGEST, "{slowest:?}");
    assert_eq!(site.check().await.users.len(), MANY + 1);
    stop(members).await;
}
