//! When what goes wrong: a function of the seed alone.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};

use super::fault::{Fault, Kind, Target};

/// A fault, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Planned {
    /// From the beginning of the run.
    pub at: Duration,
    /// What.
    pub fault: Fault,
    /// For so long.
    pub lasts: Duration,
}

/// Between two moments at which something goes wrong, in milliseconds.
const PAUSE: std::ops::Range<u64> = 2_000..6_000;
/// At each of them.
const AT_A_TIME: usize = 2;
/// What a target has to itself after each fault.
const REST: Duration = Duration::from_secs(1);

/// What goes wrong in a run of this length. Kinds are dealt from a deck, so that each comes before any comes again.
pub fn schedule(seed: u64, length: Duration) -> Vec<Planned> {
    let mut random = StdRng::seed_from_u64(seed);
    let (mut planned, mut deck, mut busy) = (Vec::new(), Vec::new(), BTreeMap::<Target, Duration>::new());
    let mut at = Duration::from_millis(random.random_range(PAUSE));
    while at < length {
        for _ in 0..AT_A_TIME {
            if deck.is_empty() {
                deck = Kind::ALL.to_vec();
                deck.shuffle(&mut random);
            }
            let free = |kind: &Kind| {
                let targets = kind.targets().into_iter();
                targets.filter(|target| busy.get(target).is_none_or(|until| *until <= at)).collect::<Vec<_>>()
            };
            // What cannot happen yet stays in the deck.
            let Some(place) = deck.iter().rposition(|kind| !free(kind).is_empty()) else { continue };
            let kind = deck.remove(place);
            let Some(target) = free(&kind).choose(&mut random).copied() else { continue };
            let (least, most) = kind.lasts();
            let lasts = Duration::from_millis(random.random_range(least..=most));
            busy.insert(target, at + lasts + REST);
            planned.push(Planned { at, fault: Fault { kind, target }, lasts });
        }
        at += Duration::from_millis(random.random_range(PAUSE));
    }
    planned.retain(|planned| planned.at + planned.lasts <= length);
    planned
}
