//! The whole product in a world where two things go wrong every 2 to 6 s, and people sign up on and on.
//!
//! What goes wrong and when is a function of the seed. What comes of it is not: processes are real, and so is time.
//! While it lasts, the invariants are asked of the database, and clients write down what they hear. Then everything is
//! mended, and must come to an end: every sign-up ends, everything that clients heard is true, and no password is
//! anywhere.

mod book;
mod crowd;
mod evidence;
mod fault;
mod hints;
mod history;
mod inflict;
mod leaks;
mod operator;
mod peace;
mod person;
mod recovery;
mod report;
mod schedule;
mod seat;
mod sights;
mod storm;
mod watch;
mod world;

use std::sync::Arc;
use std::time::Duration;

pub use book::{Book, Heard, Request};
pub use fault::{Fault, Kind, Target};
pub use history::{Row, check, may_complete, rows};
pub use leaks::{Place, files_with, leaks, panics};
pub use person::{Doors, Person};
pub use recovery::Spread;
pub use report::Report;
pub use schedule::{Planned, schedule};
pub use seat::{Seat, all_are_well, stop_all};
pub use servers::Durability;
pub use sights::SIGHTS;

use crowd::Crowd;
use storm::Storm;
use watch::Watch;
use world::World;

/// What a run is told.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Decides everything that goes wrong.
    pub seed: u64,
    /// How long things go wrong.
    pub length: Duration,
    /// How many people sign up all the time.
    pub people: usize,
    /// Whether what the database commits survives more than the death of its processes.
    pub durability: Durability,
}

/// From this length on, everything must have been seen that a run should see.
const LONG: Duration = Duration::from_mins(10);

/// Lets everything go wrong, and holds what must hold. `tell` gets a line about how it goes every few seconds.
///
/// # Errors
/// If it cannot be held: a server of its own did not start, say.
pub async fn run(options: Options, tell: impl Fn(&str)) -> anyhow::Result<Report> {
    let (world, book) = (Arc::new(World::start(options.durability).await?), Arc::new(Book::default()));
    let (watch, watching) = Watch::begin(world.url.clone());
    let crowd = Crowd::begin(options.people, options.seed, &book, &world.doors);
    let storm = Storm::pass(&world, &book, &watch, &schedule(options.seed, options.length), &tell).await;
    tell("everything is mended");
    let mut report = peace::come(&options, &world, &book, &watch, crowd, storm, &tell).await;
    watch.stop();
    if let Err(error) = watching.await {
        report.violations.push(seat::blame(&error.into()));
    }
    Ok(report)
}

impl Options {
    /// What has the same go wrong again.
    pub fn again(&self) -> String {
        let Self { seed, length, people, durability } = self;
        let (minutes, durability) = (
            length.as_secs() / 60,
            match durability {
                Durability::Full => "full",
                Durability::None => "none",
            },
        );
        format!(
            "cargo run -p tests --bin chaos -- --seed {seed} --minutes {minutes} --people {people} \
             --durability {durability}"
        )
    }

    fn is_long(&self) -> bool {
        self.length >= LONG
    }
}
