//! The processes that a store knows.

use std::collections::BTreeMap;
use std::time::Duration;

use saga::WorkerName;
use saga::fleet::{BEAT, Busy, FORGOTTEN, Process, Seen};

use crate::world::{ORGANIZATION, TICK, USER, World};

fn process(name: &str, running: usize) -> Process {
    let busy = [(USER, Busy { running, slots: 8 }), (ORGANIZATION, Busy { running: 0, slots: 32 })];
    Process {
        name: WorkerName::from_stored(name.to_owned()),
        role: "serve".to_owned(),
        version: "0.1.0".to_owned(),
        host: "höst \"1\"".to_owned(),
        pid: u32::MAX,
        busy: BTreeMap::from(busy),
    }
}

async fn processes(w: &World) -> Vec<Seen> {
    w.fleet().processes().await.unwrap()
}

async fn names(w: &World) -> Vec<String> {
    processes(w).await.iter().map(|seen| seen.process.name.to_string()).collect()
}

/// When it was first seen, by when it was last seen, and how long ago that was.
fn seen(seen: &Seen) -> (Duration, Duration) {
    (seen.at.duration_since(seen.since).try_into().unwrap(), seen.ago)
}

pub(super) async fn a_process_tells_of_itself_with_every_beat(w: World) {
    assert_eq!(processes(&w).await, []);
    w.fleet().beat(&process("one", 0)).await.unwrap();
    let told = processes(&w).await.remove(0);
    assert_eq!((&told.process, seen(&told)), (&process("one", 0), (Duration::ZERO, Duration::ZERO)));
    w.advance(BEAT).await;
    let told = processes(&w).await.remove(0);
    assert_eq!((&told.process, seen(&told)), (&process("one", 0), (Duration::ZERO, BEAT)));
    let changed = Process { pid: 7, version: "0.2.0".to_owned(), busy: BTreeMap::new(), ..process("one", 0) };
    w.fleet().beat(&changed).await.unwrap();
    w.advance(TICK).await;
    let told = processes(&w).await;
    assert_eq!((&told[0].process, seen(&told[0]), told.len()), (&changed, (BEAT, TICK), 1));
}

pub(super) async fn processes_are_told_by_name(w: World) {
    for name in ["two", "one", "three"] {
        w.fleet().beat(&process(name, 1)).await.unwrap();
    }
    assert_eq!(names(&w).await, ["one", "three", "two"]);
}

pub(super) async fn who_leaves_is_no_longer_told(w: World) {
    for name in ["one", "two"] {
        w.fleet().beat(&process(name, 1)).await.unwrap();
    }
    w.fleet().leave(&process("one", 1).name).await.unwrap();
    w.fleet().leave(&process("one", 1).name).await.unwrap();
    assert_eq!(names(&w).await, ["two"]);
}

pub(super) async fn who_is_silent_for_an_hour_is_forgotten(w: World) {
    w.fleet().beat(&process("one", 1)).await.unwrap();
    w.advance(TICK).await;
    w.fleet().beat(&process("two", 1)).await.unwrap();
    w.advance(FORGOTTEN.checked_sub(TICK).unwrap()).await;
    // Somebody else's beat tidies up.
    w.fleet().beat(&process("three", 1)).await.unwrap();
    assert_eq!(names(&w).await, ["three", "two"]);
    w.fleet().beat(&process("two", 1)).await.unwrap();
    w.advance(FORGOTTEN).await;
    w.fleet().beat(&process("four", 1)).await.unwrap();
    assert_eq!(names(&w).await, ["four"]);
}
