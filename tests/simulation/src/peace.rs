//! After the storm: every sign-up ends, in bounded time and moves; what cannot end is marked stuck.

use std::sync::Arc;
use std::time::Duration;

use auditor::facts::{Facts, SagaFact};
use auditor::invariants::unfinished;
use jiff::Timestamp;
use saga::{Clock, SagaId, State, StepName};
use tokio::time::sleep;

use crate::client::sign_up;
use crate::operator::retry_what_is_stuck;
use crate::people::{self, NAMES, Named};
use crate::sight::Sight;
use crate::storm::Peace;
use crate::watch::STEPS;
use crate::world::World;

/// A sign-up that nothing stands against ends within this time of when it is due.
const LIVENESS: Duration = Duration::from_secs(30);

/// A sign-up that cannot go on is marked stuck within this time of when it is due.
const STUCK_WITHIN: Duration = Duration::from_mins(1);

/// More rounds than it takes.
const ROUNDS: usize = 600;

/// How long a worker waits for a hint before it looks by itself.
const TICK: (u64, u64) = (700, 1000);

/// What a sign-up must have come to when its time is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Goal {
    Ended,
    EndedOrStuck,
}

impl Peace {
    /// Drives every sign-up to its end; then whoever failed signs up again.
    pub(crate) async fn keep(self, world: &Arc<World>) {
        if !self.refusing.is_empty() {
            self.reach(world, Goal::EndedOrStuck).await;
            world.note(|| "what refused is mended".to_owned());
            for table in &self.refusing {
                world.refuse_deletes(table, false);
            }
            // What nobody retries goes on by itself, when its pause is over.
            if world.chance.one_in(2) {
                retry_what_is_stuck(world).await;
            }
        }
        self.reach(world, Goal::Ended).await;
        if !world.is_broken() {
            self.sign_up_again(world).await;
        }
    }

    /// Lets the worker tick until every sign-up has come to the goal, or its time is over.
    async fn reach(&self, world: &World, goal: Goal) {
        // A process that stands still goes on, and what is on its way arrives: until then not all is well.
        let begun = world.clock.now() + world.mended_in();
        for _ in 0..ROUNDS {
            let facts = world.look().await;
            if world.is_broken() || late(world, &facts, begun, goal) || there(&facts, goal) {
                return;
            }
            for step in STEPS {
                self.worker.tick(StepName::new(step), 128);
            }
            sleep(wait(world, &facts)).await;
        }
        let left = world.seen(|facts| unfinished(facts).into_iter().map(Named).map(|saga| saga.to_string()));
        let left: Vec<_> = left.collect();
        world.break_down(format!("every sign-up ends: {} after {ROUNDS} rounds", left.join(", ")));
    }

    /// Whoever's sign-up failed can sign up again at once.
    async fn sign_up_again(&self, world: &Arc<World>) {
        let before = world.look().await;
        let mut again: Vec<(SagaId, String)> = Vec::new();
        for (name, number) in (0..NAMES.len()).zip(self.people..) {
            let proposal = people::proposal(number, name, None);
            let key = proposal.applicant.email.key();
            let tried = before.sagas.iter().any(|saga| saga.email_key.as_deref() == Some(key));
            if tried && !before.users.iter().any(|user| user.email_key == key) {
                again.push((proposal.saga, key.to_owned()));
                sign_up(world, proposal);
            }
        }
        sleep(Duration::from_secs(1)).await;
        self.reach(world, Goal::Ended).await;
        let after = world.look().await;
        for (saga, key) in again {
            // One who signed up in the storm, and whose request was still on its way, may have been quicker.
            match after.users.iter().find(|user| user.email_key == key) {
                Some(user) if user.saga == saga => world.see(Sight::SignedUpAgain),
                Some(_) => {}
                None => world.break_down(format!("who failed can sign up again: {} cannot", Named(saga))),
            }
        }
    }
}

fn active(facts: &Facts) -> impl Iterator<Item = &SagaFact> {
    facts.sagas.iter().filter(|saga| matches!(saga.state, State::Active(_)))
}

/// Until the next tick; where nothing is due, until something may be.
fn wait(world: &World, facts: &Facts) -> Duration {
    let tick = world.chance.millis(TICK.0, TICK.1);
    let now = world.clock.now();
    let next = active(facts).map(|saga| if saga.leased { now } else { saga.due_at.max(now) }).min();
    let idle = next.map_or(Duration::ZERO, |next| next.duration_since(now).try_into().unwrap_or_default());
    // Nobody sleeps past a straggler that may have made something due.
    idle.min(LIVENESS / 2) + tick
}

fn there(facts: &Facts, goal: Goal) -> bool {
    active(facts).all(|saga| goal == Goal::EndedOrStuck && saga.stuck_since.is_some())
}

/// Whether a sign-up's time is over: it waits for when it is due, and has its time from then on.
fn late(world: &World, facts: &Facts, begun: Timestamp, goal: Goal) -> bool {
    let now = world.clock.now();
    let within = match goal {
        Goal::Ended => LIVENESS,
        Goal::EndedOrStuck => STUCK_WITHIN,
    };
    let excused = |saga: &SagaFact| goal == Goal::EndedOrStuck && saga.stuck_since.is_some();
    let late: Vec<_> = active(facts).filter(|saga| !excused(saga) && saga.due_at.max(begun) + within < now).collect();
    for saga in &late {
        let (id, state) = (Named(saga.id), &saga.state);
        world.break_down(format!("every sign-up ends in time: {id} is at {state:?} {within:?} after it was due"));
    }
    !late.is_empty()
}
