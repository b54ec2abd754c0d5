//! Operators: they look at sign-ups, and act on what they saw, however long ago that was.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use saga::operate::{Signature, act};
use saga::store::{Error, Filter, Operated, Operation, Record, Status};
use saga::{Action, Advanced, Code, Listener, Policy, SagaId, State, StepName, Store};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::life::Life;
use crate::line::Line;
use crate::lock;
use crate::people::Named;
use crate::sight::Sight;
use crate::watch::STEPS;
use crate::world::World;

/// How long a click is sent again while there is no answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// A screen shows no more; what was seen last stands last.
const SCREEN: usize = 12;

/// No more are listed at a time.
const PAGE: usize = 8;

const NAMES: [&str; 2] = ["ann", "ben"];

/// The operators, and what they have on their screen.
pub(crate) struct Operators {
    world: Arc<World>,
    screen: Arc<Screen>,
    clicks: u32,
}

/// What was seen, and may be long gone.
#[derive(Default)]
struct Screen(Mutex<Vec<Record>>);

impl Operators {
    pub(crate) fn new(world: &Arc<World>) -> Self {
        Self { world: Arc::clone(world), screen: Arc::default(), clicks: 0 }
    }

    /// Somebody lists sign-ups, looks at one, or acts on one.
    pub(crate) fn stir(&mut self) {
        let chance = &self.world.chance;
        match self.screen.pick(&self.world) {
            Some(seen) if !chance.one_in(3) => self.click(seen),
            Some(seen) if chance.one_in(2) => self.inspect(seen.view.saga),
            Some(_) | None => self.list(),
        }
    }

    fn list(&self) {
        let (screen, filter, (store, life)) = (Arc::clone(&self.screen), filter(&self.world), line(&self.world));
        life.spawn(async move {
            let mut filter = filter;
            while let Ok(Ok(page)) = timeout(PATIENCE, store.list(&filter)).await {
                filter.before = page.last().map(|record| record.view.saga);
                let full = page.len() == filter.limit;
                page.into_iter().rev().for_each(|record| screen.show(record));
                if !full {
                    break;
                }
            }
        });
    }

    fn inspect(&self, saga: SagaId) {
        let (screen, (store, life)) = (Arc::clone(&self.screen), line(&self.world));
        life.spawn(async move {
            if let Ok(Ok(Some(inspection))) = timeout(PATIENCE, store.inspect(saga)).await {
                screen.show(inspection.record);
            }
        });
    }

    /// Acts on what was seen, or looks once more before; the click is sent once or, at once, several times.
    fn click(&mut self, seen: Record) {
        self.clicks += 1;
        let world = Arc::clone(&self.world);
        let chance = &world.chance;
        let stuck = seen.view.stuck_since.is_some() && !chance.one_in(3);
        let action = if stuck { Action::Retry } else { Action::ALL[chance.below(Action::ALL.len())] };
        let looks_again = !chance.one_in(3);
        let times = if chance.one_in(4) { 2 + chance.below(3) } else { 1 };
        let signature = sign(NAMES[chance.below(NAMES.len())], format!("click {}", self.clicks));
        let (screen, (store, life)) = (Arc::clone(&self.screen), line(&world));
        life.spawn(async move {
            let mut seen = seen;
            if looks_again {
                let Ok(Ok(Some(inspection))) = timeout(PATIENCE, store.inspect(seen.view.saga)).await else { return };
                screen.show(inspection.record.clone());
                seen = inspection.record;
            }
            let Some(operation) = plan(&world, action, &seen, signature) else { return };
            for _ in 0..times {
                let (world, operation, (store, life)) = (Arc::clone(&world), operation.clone(), line(&world));
                life.spawn(async move { send(&world, &store, &operation).await });
            }
        });
    }
}

/// An operator has what is stuck tried again, one page of it.
pub(crate) async fn retry_what_is_stuck(world: &Arc<World>) {
    let (store, _) = line(world);
    let filter = Filter { stuck: true, limit: SCREEN, ..Filter::default() };
    for seen in store.list(&filter).await.unwrap_or_default() {
        let signature = sign(NAMES[0], "what refused is mended".to_owned());
        if let Some(operation) = plan(world, Action::Retry, &seen, signature) {
            send(world, &store, &operation).await;
        }
    }
}

/// What an action writes to what was seen, if it makes sense for it.
fn plan(world: &World, action: Action, seen: &Record, signature: Signature) -> Option<Operation> {
    let saga = seen.view.saga;
    let impossible = |why: &str| {
        world.note(|| format!("{} cannot {action} {}: {why}", signature.operator, Named(saga)));
        world.see(Sight::ActionImpossible);
    };
    let State::Active(from) = seen.view.state.clone() else {
        impossible("it has ended");
        return None;
    };
    match act(action, &from) {
        Ok(to) => Some(Operation { saga, seq: seen.seq, action, from, to, signature }),
        Err(why) => {
            impossible(&why.to_string());
            None
        }
    }
}

/// Sends the same operation until there is an answer.
async fn send(world: &World, store: &Line, operation: &Operation) {
    let deadline = Instant::now() + PATIENCE;
    let mut in_doubt = false;
    while Instant::now() < deadline {
        match timeout_at(deadline, store.operate(operation)).await {
            Ok(Ok(Operated::Done)) => return wake(world, operation),
            Ok(Ok(Operated::Stale)) if in_doubt => {
                if let Ok(true) = timeout_at(deadline, is_written(store, operation)).await {
                    world.see(Sight::ClickFoundWritten);
                    wake(world, operation);
                }
                return;
            }
            Ok(Ok(Operated::Stale | Operated::Left(_))) => return,
            Ok(Err(Error::InDoubt(_))) | Err(_) => in_doubt = true,
            Ok(Err(Error::Unavailable(_))) => {}
            Ok(Err(error @ (Error::Rejected(_) | Error::Unreadable(_)))) => {
                return world.break_down(format!("an operator is answered: {error}"));
            }
        }
        sleep(world.chance.millis(50, 500)).await;
    }
}

/// Whether the event that follows what the operator saw is theirs.
async fn is_written(store: &Line, operation: &Operation) -> bool {
    let events = store.events(operation.saga, operation.seq + 1).await.unwrap_or_default();
    events.first().is_some_and(|event| event.signature.as_ref() == Some(&operation.signature))
}

fn wake(world: &World, operation: &Operation) {
    world.advanced(&Advanced::to(operation.saga, operation.to.clone()));
}

fn sign(operator: &str, reason: String) -> Signature {
    Signature { operator: operator.to_owned(), reason }
}

/// A line of its own for each call: any process of the service may answer it.
fn line(world: &Arc<World>) -> (Line, Arc<Life>) {
    let life = Arc::<Life>::default();
    (Line::new(Arc::clone(world), "office", Arc::clone(&life)), life)
}

fn filter(world: &World) -> Filter {
    let chance = &world.chance;
    let old = [Duration::ZERO, Duration::from_secs(5), Policy::STANDARD.expiry];
    Filter {
        status: Status::ALL.get(chance.below(3 * Status::ALL.len())).copied(),
        stuck: chance.one_in(4),
        step: STEPS.get(chance.below(4 * STEPS.len())).map(|step| StepName::new(step)),
        code: chance.one_in(8).then_some(Code::ROLLED_BACK),
        older_than: if chance.one_in(4) { old[chance.below(old.len())] } else { Duration::ZERO },
        before: None,
        limit: 1 + chance.below(PAGE),
    }
}

impl Screen {
    fn show(&self, record: Record) {
        let mut screen = lock(&self.0);
        if screen.len() == SCREEN {
            screen.remove(0);
        }
        screen.push(record);
    }

    /// Mostly what was seen last.
    fn pick(&self, world: &World) -> Option<Record> {
        let screen = lock(&self.0);
        let latest = || screen.get(screen.len().saturating_sub(1 + world.chance.below(3)));
        if world.chance.one_in(3) { world.chance.pick(&screen) } else { latest() }.cloned()
    }
}
