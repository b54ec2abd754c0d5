//! A worker process: an engine on a line of its own, and the jobs in its hands.

use std::sync::{Arc, Mutex};

use saga::testing::{Pace, Sabotage};
use saga::{Attempt, Direction, Engine, Job, Policy, Ran, StepName, WorkerName};
use signup::SignUp;

use crate::life::Life;
use crate::line::Line;
use crate::lock;
use crate::people;
use crate::sight::Sight;
use crate::world::World;

/// A worker process.
pub(crate) struct Worker {
    who: String,
    world: Arc<World>,
    pub(crate) life: Arc<Life>,
    engine: Engine<SignUp>,
    /// Jobs that it has claimed and not begun.
    hand: Mutex<Vec<Arc<Job<SignUp>>>>,
}

struct Dice(Arc<World>);

impl saga::Random for Dice {
    fn bits(&self) -> u128 {
        self.0.chance.bits()
    }
}

impl Worker {
    pub(crate) fn start(world: &Arc<World>, number: usize) -> Arc<Self> {
        let who = format!("w{number}");
        let life = Arc::<Life>::default();
        let store = Arc::new(Line::new(Arc::clone(world), &who, Arc::clone(&life)));
        let random = Arc::new(Dice(Arc::clone(world)));
        let name = WorkerName::unique(&who, &*random);
        let fated = Arc::clone(world);
        let sabotage: Arc<dyn Sabotage<SignUp>> =
            Arc::new(move |attempt: &Attempt<SignUp>, direction: Direction| fated.fault(attempt, direction));
        let definition = people::definition().sabotaged(&sabotage, Pace::STANDARD);
        let listener = Arc::clone(world) as _;
        let engine = Engine::new(definition, store as _, listener, random, Policy::STANDARD, name);
        Arc::new(Self { who, world: Arc::clone(world), life, engine, hand: Mutex::default() })
    }

    /// Claims at a step, and goes on with what there is; in a storm some of it waits for its turn.
    pub(crate) fn tick(self: &Arc<Self>, step: StepName, limit: usize) {
        let worker = Arc::clone(self);
        self.life.spawn(async move {
            for job in worker.engine.claim(&step, limit).await.unwrap_or_default() {
                worker.begin(job);
            }
        });
    }

    /// Runs a job, or lets it wait for its turn.
    fn begin(self: &Arc<Self>, job: Job<SignUp>) {
        let job = Arc::new(job);
        if self.world.is_calm() || !self.world.chance.one_in(4) {
            self.run(job);
        } else {
            lock(&self.hand).push(job);
        }
    }

    /// Takes a job whose turn has come.
    pub(crate) fn take(&self) -> Option<Arc<Job<SignUp>>> {
        let mut hand = lock(&self.hand);
        let at = self.world.chance.below(hand.len());
        (!hand.is_empty()).then(|| hand.swap_remove(at))
    }

    pub(crate) fn run(self: &Arc<Self>, job: Arc<Job<SignUp>>) {
        let worker = Arc::clone(self);
        self.life.spawn(async move {
            // There is not always room at the next step.
            let room = |_: &StepName| worker.world.chance.one_in(2).then_some(());
            let (ran, next) = worker.engine.run_on(&job, room).await;
            if let Some(next) = next {
                worker.world.see(Sight::WentOn);
                worker.begin(next.job);
            }
            worker.world.note(|| format!("{} is done: {ran:?}", worker.who));
            worker.world.see(match ran {
                Ran::Committed(_) => Sight::Committed,
                Ran::Fenced => Sight::Fenced,
                Ran::HandedBack => Sight::HandedBack,
                Ran::Abandoned => Sight::Abandoned,
            });
        });
    }

    pub(crate) fn hand_back(self: &Arc<Self>, job: Arc<Job<SignUp>>) {
        let worker = Arc::clone(self);
        self.life.spawn(async move {
            let due_in = worker.world.chance.millis(0, 500);
            worker.engine.hand_back(&job, due_in).await;
        });
    }

    pub(crate) fn die(&self) {
        self.world.note(|| format!("{} is killed", self.who));
        self.life.die();
    }

    pub(crate) fn stand_still(&self) {
        let time = self.world.chance.millis(1000, 60_000);
        self.world.note(|| format!("{} stands still for {time:?}", self.who));
        self.world.see(Sight::StoodStill);
        self.world.fault_lasts(time);
        self.life.stand_still(time);
    }
}
