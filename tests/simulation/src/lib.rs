//! The simulation: the engine and the sign-up as they are, on the store in memory, in a world where everything goes
//! wrong by chance, and all chance comes from one seed.
//!
//! One seed is one history, the same each time: one thread, paused time, and numbers drawn from the seed alone. Three
//! workers, clients, operators and a housekeeper run as tasks on lines of their own, on which calls are lost, doubled, late or
//! never answered, and processes stand still or die (`line`, `weather`). A storm makes moves among them (`storm`);
//! then comes peace, in which every sign-up must end in time (`peace`). After every call that reaches the store,
//! everything that must hold is held against what the store holds (`watch`, `audit`).
//!
//! Nothing depends on what the operating system's randomness gives: salts and seals differ from run to run, and nobody
//! looks at them.

mod audit;
mod chance;
mod client;
mod clock;
mod life;
mod line;
mod operator;
mod panics;
mod peace;
mod people;
mod request;
mod runs;
mod sight;
mod storm;
mod watch;
mod weather;
mod worker;
mod world;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use saga::Store;
use signup::SignUp;
use store::memory::Memory;

pub use runs::{Report, Runs};
pub use sight::{Sight, Sights};

use storm::Storm;
use world::World;

/// What is put before the store in memory: nothing, or something with a bug.
pub type Over = fn(Arc<Memory>) -> Arc<dyn Store<SignUp>>;

/// The store in memory as it is.
pub fn sound(memory: Arc<Memory>) -> Arc<dyn Store<SignUp>> {
    memory
}

/// How a history went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Story {
    /// What was seen.
    pub sights: Sights,
    /// What did not hold, if anything.
    pub broken: Vec<String>,
    /// Every move, if it was told.
    pub moves: Vec<String>,
}

/// The fewest and the most moves of a storm.
const MOVES: (usize, usize) = (60, 180);

/// Plays the history of a seed; `tells` its moves, which takes longer.
///
/// # Errors
/// Says why there is no runtime.
pub fn play(seed: u64, tells: bool, over: Over) -> anyhow::Result<Story> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    let (story, panics) = panics::watched(|| runtime.block_on(history(seed, tells, over)));
    let mut story = story.unwrap_or_default();
    story.broken.extend(panics);
    Ok(story)
}

async fn history(seed: u64, tells: bool, over: Over) -> Story {
    let world = Arc::new(World::new(seed, tells, over));
    let mut storm = Storm::new(&world);
    for _ in 0..MOVES.0 + world.chance.below(MOVES.1 - MOVES.0) {
        storm.blow().await;
        if world.is_broken() {
            break;
        }
    }
    if !world.is_broken() {
        storm.end().keep(&world).await;
    }
    let (watch, moves) = world.take();
    Story { sights: watch.sights, broken: watch.broken, moves }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
