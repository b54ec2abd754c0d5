//! The storm: moves by chance, among workers, clients, faults and time.

use std::sync::Arc;
use std::time::Duration;

use auditor::facts::Facts;
use auditor::invariants::unfinished;
use saga::{Policy, Random, StepName, Store};
use signup::{Duplicates, Proposal};
use tokio::time::{sleep, timeout};

use crate::client::{ask, sign_up};
use crate::line::Line;
use crate::operator::Operators;
use crate::people::{self, MOST, NAMES};
use crate::request::Request;
use crate::sight::Sight;
use crate::watch::STEPS;
use crate::worker::Worker;
use crate::world::World;

/// The workers and what is wrong with the database, moved by chance.
pub(crate) struct Storm {
    world: Arc<World>,
    workers: Vec<Arc<Worker>>,
    operators: Operators,
    /// How many workers were started, and how many people have signed up.
    started: usize,
    people: usize,
    most_people: usize,
    /// Tables that refuse deletes.
    refusing: Vec<&'static str>,
    /// When the database's clock has jumped last.
    jumped: Option<Duration>,
}

const TABLES: [&str; 4] = ["users", "organizations", "profiles", "claims"];

/// How many workers there are.
const WORKERS: usize = 3;

/// A move, and how often it is made.
#[derive(Debug, Clone, Copy)]
enum Move {
    Hint,
    Tick,
    Run,
    HandBack,
    SignUp,
    Ask,
    Operate,
    Kill,
    StandStill,
    Restart,
    PlantAccount,
    RefuseDeletes,
    AllowDeletes,
    Jump,
}

const MOVES: [(Move, usize); 14] = [
    (Move::Hint, 40),
    (Move::Tick, 24),
    (Move::Run, 16),
    (Move::HandBack, 3),
    (Move::SignUp, 8),
    (Move::Ask, 4),
    (Move::Operate, 14),
    (Move::Kill, 1),
    (Move::StandStill, 2),
    (Move::Restart, 1),
    (Move::PlantAccount, 2),
    (Move::RefuseDeletes, 2),
    (Move::AllowDeletes, 2),
    (Move::Jump, 1),
];

impl Storm {
    pub(crate) fn new(world: &Arc<World>) -> Self {
        tokio::spawn(housekeep(Arc::clone(world)));
        let most_people = 4 + world.chance.below(9);
        let mut storm = Self {
            world: Arc::clone(world),
            workers: vec![],
            operators: Operators::new(world),
            started: 0,
            people: 0,
            most_people,
            refusing: vec![],
            jumped: None,
        };
        storm.start_workers();
        storm
    }

    /// Makes a move, and lets some time pass.
    pub(crate) async fn blow(&mut self) {
        self.start_workers();
        let moves = MOVES.map(|(_, weight)| weight);
        let mut lot = self.world.chance.below(moves.iter().sum());
        if self.world.seen(|facts| unfinished(facts).is_empty()) && self.world.chance.one_in(3) {
            self.sign_up();
        }
        for (kind, weight) in MOVES {
            if lot < weight {
                self.make(kind).await;
                break;
            }
            lot -= weight;
        }
        let wait = self.wait();
        sleep(wait).await;
    }

    /// The storm is over, but for tables that refuse deletes.
    pub(crate) fn end(&mut self) -> Peace {
        let Self { world, workers, refusing, .. } = self;
        world.note(|| "the storm is over".to_owned());
        world.calm();
        world.lose_all_hints();
        // What is in the hands of those who live is run, or forgotten.
        for worker in workers.iter().filter(|worker| !worker.life.is_dead()) {
            while let Some(job) = worker.take() {
                if world.chance.one_in(2) {
                    worker.run(job);
                }
            }
        }
        let stay = world.chance.one_in(2);
        if !stay {
            refusing.drain(..).for_each(|table| world.refuse_deletes(table, false));
        }
        let worker = Worker::start(world, self.started);
        Peace { worker, refusing: std::mem::take(refusing), people: self.people }
    }

    async fn make(&mut self, kind: Move) {
        let world = Arc::clone(&self.world);
        let Some(worker) = world.chance.pick(&self.workers).cloned() else { return };
        match kind {
            Move::Hint => self.hint(&worker),
            Move::Tick => self.tick(&worker),
            Move::Run => {
                if let Some(job) = worker.take() {
                    if world.chance.one_in(6) {
                        world.see(Sight::JobDoubled);
                        world.note(|| "a job is run twice".to_owned());
                        worker.run(Arc::clone(&job));
                    }
                    worker.run(job);
                }
            }
            Move::HandBack => worker.take().into_iter().for_each(|job| worker.hand_back(job)),
            Move::SignUp => self.sign_up(),
            Move::Ask => {
                let ids: Vec<_> = world.seen(|facts| facts.sagas.iter().map(|saga| saga.id).collect());
                world.chance.pick(&ids).into_iter().for_each(|saga| ask(&world, *saga));
            }
            Move::Operate if world.chance.one_in(world.weather(|weather| weather.operators)) => self.operators.stir(),
            Move::Kill => worker.die(),
            Move::StandStill => worker.stand_still(),
            Move::Restart if world.chance.one_in(2) => self.restart().await,
            Move::PlantAccount => {
                if let Some(number) = self.next_person() {
                    let name = world.chance.below(NAMES.len());
                    world.plant_account(&people::proposal(number, name, None)).await;
                }
            }
            Move::RefuseDeletes => {
                let table = TABLES[world.chance.below(TABLES.len())];
                if !self.refusing.contains(&table) {
                    self.refusing.push(table);
                    world.refuse_deletes(table, true);
                }
            }
            Move::AllowDeletes if !self.refusing.is_empty() => {
                let table = self.refusing.swap_remove(world.chance.below(self.refusing.len()));
                world.refuse_deletes(table, false);
            }
            Move::Jump => self.jump(),
            Move::Operate | Move::Restart | Move::AllowDeletes => {}
        }
    }

    /// Delivers a hint, once, twice or not at all.
    fn hint(&self, worker: &Arc<Worker>) {
        let world = &self.world;
        let Some((saga, step)) = world.take_hint() else { return self.tick(worker) };
        let (lost, doubled) = world.weather(|weather| (weather.lost_hints, weather.doubled_hints));
        if world.chance.one_in(lost) {
            return world.lose_hint(saga);
        }
        if world.chance.one_in(doubled) {
            world.see(Sight::HintDoubled);
            let other = world.chance.pick(&self.workers).unwrap_or(worker);
            other.tick(step.clone(), 1 + world.chance.below(4));
        }
        worker.tick(step, 1 + world.chance.below(4));
    }

    /// A worker looks by itself: mostly where there is something.
    fn tick(&self, worker: &Arc<Worker>) {
        let chance = &self.world.chance;
        let at_hand: Vec<_> =
            self.world.seen(|facts| facts.sagas.iter().filter_map(|saga| saga.state.step().cloned()).collect());
        let step = chance.pick(&at_hand).filter(|_| !chance.one_in(4)).cloned();
        let step = step.unwrap_or_else(|| StepName::new(STEPS[chance.below(STEPS.len())]));
        worker.tick(step, 1 + chance.below(4));
    }

    fn sign_up(&mut self) {
        if self.people >= self.most_people {
            return;
        }
        let Some(number) = self.next_person() else { return };
        let (name, mark) = (self.world.chance.below(NAMES.len()), self.world.chance.below(6));
        let mark = people::marks().get(mark).cloned();
        let duplicates = if self.world.chance.one_in(3) { Duplicates::Decoyed } else { Duplicates::Refused };
        sign_up(&self.world, Proposal { duplicates, ..people::proposal(number, name, mark) });
    }

    fn next_person(&mut self) -> Option<usize> {
        // A few are left for those who sign up again.
        let number = self.people;
        (number + NAMES.len() < MOST).then(|| {
            self.people += 1;
            number
        })
    }

    /// Another process takes the place of one that died.
    fn start_workers(&mut self) {
        let before = self.workers.len();
        self.workers.retain(|worker| !worker.life.is_dead());
        (self.workers.len()..before).for_each(|_| self.world.see(Sight::Died));
        while self.workers.len() < WORKERS {
            self.workers.push(Worker::start(&self.world, self.started));
            self.started += 1;
        }
    }

    /// Past a day where no sealed password is overdue then; else by less than housekeeping has time for.
    fn jump(&mut self) {
        let world = &self.world;
        let passed = world.clock.passed();
        if world.chance.one_in(3) && world.seen(|facts: &Facts| facts.sealed.is_empty()) {
            world.jump(Duration::from_hours(25));
        } else if self.jumped.is_none_or(|last| passed > last + Duration::from_mins(1)) {
            self.jumped = Some(passed);
            world.jump(world.chance.millis(1000, 20_000));
        }
    }

    /// All processes end, and the next one, alone, ends all leases.
    async fn restart(&mut self) {
        self.world.see(Sight::Restarted);
        self.workers.iter().for_each(|worker| worker.die());
        self.start_workers();
        let _ = self.world.put("start", &Request::ReleaseLeases).await;
    }

    /// Mostly milliseconds, so that everything happens at once; sometimes past a retry, past a lease, past the expiry.
    fn wait(&self) -> Duration {
        let chance = &self.world.chance;
        if chance.one_in(self.world.weather(|weather| weather.long_waits)) {
            return chance.millis(900_000, 1_000_000);
        }
        let lot = chance.fraction() * self.world.weather(|weather| weather.pace);
        if lot < 0.6 {
            chance.millis(0, 4)
        } else if lot < 0.85 {
            chance.millis(5, 400)
        } else if lot < 0.96 {
            chance.millis(400, 8000)
        } else {
            chance.millis(8000, 45_000)
        }
    }
}

/// What is left when a storm is over.
pub(crate) struct Peace {
    /// A process whose line is good.
    pub(crate) worker: Arc<Worker>,
    /// Tables that still refuse deletes.
    pub(crate) refusing: Vec<&'static str>,
    /// How many people there have been.
    pub(crate) people: usize,
}

/// Housekeeping goes on all the time, in a process that does not die. Its line is as bad as any other; but not for two
/// rounds in a row, since nobody promises to wipe passwords in a database that cannot be reached.
async fn housekeep(world: Arc<World>) {
    let line = Line::new(Arc::clone(&world), "housekeeper", Arc::default());
    loop {
        let round = timeout(Policy::STANDARD.claim, line.housekeep(&Policy::STANDARD)).await;
        sleep(world.chance.millis(4000, 6000)).await;
        if !matches!(round, Ok(Ok(_))) {
            let _ = world.put("housekeeper", &Request::Housekeep(Policy::STANDARD)).await;
        }
    }
}
