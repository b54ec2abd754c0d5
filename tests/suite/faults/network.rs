//! A network between the processes and their database that swallows everything, or half of it.

use servers::{Mode, Postgres as Machine, Proxy};
use tests::{Cluster, eventually};
use tokio::time::{Duration, Instant};

use super::{PACE, members, nothing_is_lost};
use crate::BUSY;
use crate::cluster::stop;
use crate::load::{Load, Rota};
use crate::site::Site;

/// The longest that anybody waits for an answer: for a statement under way, and for a connection to ask what became of it.
const PATIENCE: Duration = Duration::from_secs(7);

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_network_swallows_every_answer_comes_in_time_and_all_goes_on_2_seconds_after_it_is_mended() {
    let _quiet = BUSY.write().await;
    let (site, way) = (Site::with_database().await, Proxy::to(Machine::shared().port()).unwrap());
    let cluster = Cluster::on(&way.url(&site.url)).await.unwrap().telling(&[(PACE, "0.25")]);
    cluster.migrate().await.unwrap();
    let members = members(&cluster, 2, 2).await;
    let clients = [members[0].client().await.unwrap(), members[1].client().await.unwrap()];
    let load = Load::begin(6, &Rota::to(clients));
    load.goes_on(50).await;

    let begun = Instant::now();
    way.set(Mode::BlackHole).unwrap();
    let put_off = || async { (load.put_off_since(begun) >= 12).then_some(()) };
    eventually("all are put off, more than once", put_off).await.unwrap();
    way.set(Mode::Pass).unwrap();
    let swallowed = load.goes_on(1).await;
    load.goes_on(50).await;

    way.half_close();
    let half = load.goes_on(1).await;
    load.goes_on(50).await;
    way.reset();
    let reset = load.goes_on(1).await;
    load.goes_on(50).await;

    let story = load.end().await;
    let slowest = story.iter().map(|sent| sent.took).max().unwrap();
    println!("again after: swallowed {swallowed:?}, half closed {half:?}, reset {reset:?}; slowest answer {slowest:?}");
    for took in [swallowed, half, reset] {
        assert!(took < Duration::from_secs(2), "{took:?}");
    }
    assert!(slowest < PATIENCE, "{slowest:?}");
    nothing_is_lost(&site.url, &story).await;
    stop(members).await;
}
