//! One history's world: its store, its clock, its chance, and what was seen of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use auditor::facts::{Facts, Snapshot};
use saga::store::Error;
use saga::testing::Fault;
use saga::{Advanced, Attempt, Direction, Listener, SagaId, StepName, Store, Taker};
use signup::{Proposal, SignUp};
use store::memory::Memory;

use crate::chance::Chance;
use crate::clock::VirtualClock;
use crate::lock;
use crate::people::Named;
use crate::request::{Answer, Request};
use crate::sight::Sight;
use crate::watch::Watch;
use crate::weather::{Fate, Weather};

/// What everything in a history shares.
pub(crate) struct World {
    pub(crate) chance: Chance,
    pub(crate) clock: Arc<VirtualClock>,
    memory: Arc<Memory>,
    store: Arc<dyn Store<SignUp>>,
    weather: Mutex<Weather>,
    /// When the last fault that has begun is over, by the runtime's time.
    mended_at: Mutex<Duration>,
    /// Steps that go wrong at each attempt, or do not: by saga, step and direction.
    curses: Mutex<BTreeMap<(SagaId, StepName, bool), Option<Fault>>>,
    hints: Mutex<Vec<Advanced>>,
    /// Sagas whose latest hint was lost.
    unhinted: Mutex<BTreeSet<SagaId>>,
    watch: Mutex<Watch>,
    journal: Option<Mutex<Vec<String>>>,
    /// Counts calls that wrote nothing: whether they did is looked at now and then.
    quiet: Mutex<u32>,
}

/// After so many calls that say they wrote nothing, it is looked whether they did.
const LOOK_EVERY: u32 = 8;

impl World {
    pub(crate) fn new(seed: u64, tells: bool, over: fn(Arc<Memory>) -> Arc<dyn Store<SignUp>>) -> Self {
        let clock = Arc::new(VirtualClock::start());
        let memory = Arc::new(Memory::new(Arc::clone(&clock) as _));
        let chance = Chance::new(seed);
        Self {
            weather: Mutex::new(Weather::of(&chance)),
            chance,
            store: over(Arc::clone(&memory)),
            memory,
            clock,
            mended_at: Mutex::default(),
            curses: Mutex::default(),
            hints: Mutex::default(),
            unhinted: Mutex::default(),
            watch: Mutex::default(),
            journal: tells.then(Mutex::default),
            quiet: Mutex::default(),
        }
    }

    /// Carries out a call, and holds everything against what the store holds then.
    pub(crate) async fn put(&self, who: &str, request: &Request) -> Result<Answer, Error> {
        let answer = request.put_to(&*self.store).await;
        self.note(|| match &answer {
            Ok(answer) => format!("{who} {request}: {answer}"),
            Err(error) => format!("{who} {request}: {error}"),
        });
        if let Ok(Answer::Claimed(claimed)) = &answer {
            let mut unhinted = lock(&self.unhinted);
            let found = claimed.iter().filter(|one| unhinted.remove(&one.fence.saga)).count();
            (0..found).for_each(|_| self.see(Sight::FoundWithoutHint));
        }
        if answer.as_ref().is_ok_and(|answer| !answer.wrote() && !decides(answer)) && !self.is_time_to_look() {
            return answer;
        }
        let facts = self.memory.facts().await?;
        lock(&self.watch).answered(request, &answer, facts);
        answer
    }

    fn is_time_to_look(&self) -> bool {
        let mut quiet = lock(&self.quiet);
        *quiet = (*quiet + 1) % LOOK_EVERY;
        *quiet == 0
    }

    /// Holds everything against what the store holds now.
    pub(crate) async fn look(&self) -> Facts {
        if let Ok(facts) = self.memory.facts().await {
            lock(&self.watch).look(facts);
        }
        lock(&self.watch).seen.clone()
    }

    /// What was seen last.
    pub(crate) fn seen<T>(&self, read: impl FnOnce(&Facts) -> T) -> T {
        read(&lock(&self.watch).seen)
    }

    pub(crate) fn see(&self, sight: Sight) {
        lock(&self.watch).sights.see(sight);
    }

    /// Something that must hold does not.
    pub(crate) fn break_down(&self, what: String) {
        lock(&self.watch).broken.push(what);
    }

    pub(crate) fn is_broken(&self) -> bool {
        !lock(&self.watch).broken.is_empty()
    }

    /// Writes a move into the history, if it is told.
    pub(crate) fn note(&self, what: impl FnOnce() -> String) {
        if let Some(journal) = &self.journal {
            let passed = self.clock.passed();
            lock(journal).push(format!("{:>5}.{:03} {}", passed.as_secs(), passed.subsec_millis(), what()));
        }
    }

    /// What was seen, what is broken, and the moves.
    pub(crate) fn take(&self) -> (Watch, Vec<String>) {
        let journal = self.journal.as_ref().map(|journal| std::mem::take(&mut *lock(journal)));
        (std::mem::take(&mut *lock(&self.watch)), journal.unwrap_or_default())
    }

    /// From now on nothing goes wrong any more.
    pub(crate) fn calm(&self) {
        *lock(&self.weather) = Weather::calm();
        lock(&self.curses).clear();
    }

    /// Whether nothing goes wrong any more.
    pub(crate) fn is_calm(&self) -> bool {
        self.weather(|weather| weather.calm)
    }

    /// A fault has begun that lasts for so long.
    pub(crate) fn fault_lasts(&self, time: Duration) {
        let mut mended_at = lock(&self.mended_at);
        *mended_at = mended_at.max(self.clock.passed() + time);
    }

    /// How long the last fault still lasts.
    pub(crate) fn mended_in(&self) -> Duration {
        lock(&self.mended_at).saturating_sub(self.clock.passed())
    }

    pub(crate) fn weather<T>(&self, read: impl FnOnce(&Weather) -> T) -> T {
        read(&lock(&self.weather))
    }

    pub(crate) fn fate(&self) -> Fate {
        self.weather(|weather| weather.fate(&self.chance))
    }

    /// What goes wrong with this attempt.
    pub(crate) fn fault(&self, attempt: &Attempt<SignUp>, direction: Direction) -> Option<Fault> {
        let at = (attempt.saga, attempt.step.clone(), direction == Direction::Forward);
        let curse = || self.weather(|weather| weather.curse(&self.chance));
        let curse = lock(&self.curses).entry(at).or_insert_with(curse).clone();
        let fault = curse.or_else(|| self.weather(|weather| weather.fault(&self.chance)))?;
        self.note(|| format!("{} {} attempt {}: {fault:?}", Named(attempt.saga), attempt.step, attempt.number));
        match fault {
            Fault::Panic => self.see(Sight::Panicked),
            Fault::Hang => self.see(Sight::Hung),
            Fault::Lose => self.see(Sight::LostResult),
            Fault::Fail | Fault::Refuse(_) => {}
        }
        Some(fault)
    }

    /// Takes a hint that has not been delivered.
    pub(crate) fn take_hint(&self) -> Option<(SagaId, StepName)> {
        let mut hints = lock(&self.hints);
        let at = self.chance.below(hints.len());
        let hint = (!hints.is_empty()).then(|| hints.swap_remove(at))?;
        Some((hint.saga, hint.state.step()?.clone()))
    }

    pub(crate) fn lose_hint(&self, saga: SagaId) {
        self.see(Sight::HintLost);
        lock(&self.unhinted).insert(saga);
    }

    pub(crate) fn lose_all_hints(&self) {
        lock(&self.hints).clear();
    }

    /// Somebody gets this proposal's e-mail out of nowhere, if it is free.
    pub(crate) async fn plant_account(&self, proposal: &Proposal) {
        let key = proposal.applicant.email.key();
        let theirs = self.seen(|facts| facts.users.iter().any(|user| user.email_key == key));
        if !theirs {
            self.note(|| format!("{} gets {key} out of nowhere", Named(proposal.saga)));
            self.memory.plant_account(proposal);
            self.look().await;
        }
    }

    pub(crate) fn refuse_deletes(&self, table: &'static str, refuse: bool) {
        self.note(|| format!("{table} {} deletes", if refuse { "refuses" } else { "allows" }));
        self.memory.refuse_deletes(table, refuse);
    }

    pub(crate) fn jump(&self, by: Duration) {
        self.note(|| format!("the database's clock jumps by {by:?}"));
        self.see(Sight::ClockJumped);
        self.clock.jump(by);
    }
}

/// Whether an answer that wrote nothing is worth a look each time.
fn decides(answer: &Answer) -> bool {
    match answer {
        Answer::Accepted(_)
        | Answer::Committed(_)
        | Answer::HandedBack(_)
        | Answer::Views(_)
        | Answer::Listed(_)
        | Answer::Inspected(_)
        | Answer::Operated(_) => true,
        Answer::Claimed(_) | Answer::Events(_) | Answer::Housekept(_) | Answer::Released(_) => false,
    }
}

impl Listener for World {
    fn advanced(&self, news: &Advanced) {
        if news.state.step().is_some() && news.taker != Taker::Holder {
            lock(&self.hints).push(news.clone());
        }
    }
}
