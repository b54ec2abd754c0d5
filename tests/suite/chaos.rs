//! A minute of chaos; `cargo run -p tests --bin chaos` has more of it.

use rand::RngExt;
use tests::chaos::{Durability, Options, run, schedule};
use tokio::time::Duration;

use crate::{BUSY, how_many};

#[test]
fn what_goes_wrong_is_a_function_of_the_seed() {
    let length = Duration::from_mins(10);
    assert_eq!(schedule(1, length), schedule(1, length));
    assert_ne!(schedule(1, length), schedule(2, length));
}

#[test]
fn a_minute_has_nearly_every_kind_of_fault_and_two_never_meet() {
    for seed in 0..100 {
        let plan = schedule(seed, Duration::from_mins(1));
        let kinds: std::collections::BTreeSet<_> = plan.iter().map(|planned| planned.fault.kind).collect();
        assert!(kinds.len() >= 15, "seed {seed}: {kinds:?}");
        for (number, one) in plan.iter().enumerate() {
            let mut others = plan.iter().skip(number + 1).filter(|other| other.fault.target == one.fault.target);
            assert!(others.all(|other| other.at > one.at + one.lasts), "seed {seed}: {one:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_goes_wrong_every_sign_up_ends_and_all_that_was_said_is_true() {
    let _quiet = BUSY.write().await;
    let seed = rand::rng().random();
    println!("seed {seed}");
    let length = Duration::from_mins(how_many("CHAOS", 1).try_into().unwrap());
    let options = Options { seed, length, people: 4, durability: Durability::None };
    let report = run(options, |line| println!("{line}")).await.unwrap();
    println!("{report}");
    assert!(report.violations.is_empty(), "cargo run -p tests --bin chaos -- --seed {seed}: {:?}", report.violations);
}
