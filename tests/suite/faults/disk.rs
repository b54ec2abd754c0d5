//! A database that has no room left.

use servers::Postgres as Machine;
use tests::{Cluster, eventually};
use tokio::task::block_in_place;
use tokio::time::{Duration, Instant};

use super::{PACE, members, nothing_is_lost};
use crate::BUSY;
use crate::cluster::stop;
use crate::load::{Load, Rota};

/// Of the disk.
const BYTES: u64 = 128 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn while_the_disk_is_full_sign_ups_are_put_off_and_status_is_told_and_then_all_goes_on_by_itself() {
    let _quiet = BUSY.write().await;
    let Some(machine) = block_in_place(|| Machine::on_a_small_disk(BYTES)).unwrap() else {
        println!("skipped: this machine lets nobody mount a disk; run the tests as root");
        return;
    };
    let cluster = Cluster::on(&machine.url("postgres")).await.unwrap().telling(&[(PACE, "0.25")]);
    cluster.migrate().await.unwrap();
    let mut members = members(&cluster, 1, 2).await;
    let client = members[0].client().await.unwrap();
    let known = client.sign_up("known@example.com", "Known", 20).await.unwrap();
    assert_eq!(known.status, 201, "{known:?}");
    let load = Load::begin(6, &Rota::to([client.clone()]));
    load.goes_on(50).await;

    let full = Instant::now();
    block_in_place(|| machine.fill_the_disk()).unwrap();
    // What is in pages that are there already still finds room.
    let put_off = || async { (load.put_off_since(full) > 60).then_some(()) };
    eventually("all are put off", put_off).await.unwrap();
    assert!(machine.log().unwrap().contains("No space left on device"));
    let status = format!("/v1/signups/{}", known.text("workflow_id"));
    for _ in 0..20 {
        let begun = Instant::now();
        let told = client.get(&status).await.unwrap();
        assert_eq!((told.status, told.text("status")), (200, "completed"), "{told:?}");
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    }
    block_in_place(|| machine.empty_the_disk()).unwrap();
    let took = load.goes_on(1).await;
    println!("sign-ups are accepted again after {took:?}");
    assert!(took < Duration::from_secs(2), "{took:?}");
    load.goes_on(50).await;

    let mut story = load.end().await;
    let slowest = story.iter().map(|sent| sent.took).max().unwrap();
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    for member in &mut members {
        assert!(member.has_ended().unwrap().is_none());
    }
    assert!(!machine.log().unwrap().contains("PANIC"), "{}", machine.log().unwrap());
    let (email, at) = ("known@example.com".to_owned(), full);
    story.push(crate::load::Sent { email, at, took: Duration::ZERO, answer: Ok(known) });
    nothing_is_lost(&cluster.url, &story).await;
    stop(members).await;
}
