//! The crash matrix.

use std::path::Path;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use tests::crash::{Schedule, run, table};

use crate::{BUSY, how_many};

/// At a time.
const TRACKS: usize = 12;
/// Of so many, one may be tried again at most: what is tried again and again may hide what it is tried for.
const TRIED_AGAIN: usize = 20;

#[tokio::test(flavor = "multi_thread")]
async fn every_crash_point_with_every_fault_on_every_way_ends_as_the_page_says() {
    let _quiet = BUSY.write().await;
    let findings = run(Schedule::all(), TRACKS, |_| {}).await.unwrap();
    println!("{} schedules, {} tried again: {:?}", findings.ran(), findings.tried_again, findings.met);
    assert!(findings.wrong.is_empty(), "{}", findings.wrong.join("\n\n"));
    // Unless faults were met, the marks mean nothing.
    assert!(findings.met.taken_over > 50 && findings.met.sent_again > 50, "{:?}", findings.met);
    assert!(findings.tried_again * TRIED_AGAIN <= findings.ran(), "{} were tried again", findings.tried_again);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/crash-matrix.md");
    let page = table(&findings);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page, "docs/crash-matrix.md is not what was run: run this test with UPDATE=1");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_takes_over_may_be_killed_too() {
    let _quiet = BUSY.write().await;
    let seed = rand::rng().random();
    println!("seed {seed}");
    let pairs = Schedule::pairs();
    let some: Vec<_> = pairs.sample(&mut StdRng::seed_from_u64(seed), how_many("PAIRS", 48)).cloned().collect();
    let findings = run(some, TRACKS, |_| {}).await.unwrap();
    println!("{} pairs, {} tried again", findings.ran(), findings.tried_again);
    assert!(findings.wrong.is_empty(), "seed {seed}: {}", findings.wrong.join("\n\n"));
}
