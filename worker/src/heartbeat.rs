//! Telling others that this process lives, and how busy it is.

use std::collections::BTreeMap;
use std::sync::Arc;

use metrics::gauge;
use saga::fleet::{BEAT, Busy, Process};
use saga::{Fleet, StepName};
use tokio::sync::Semaphore;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// The slots of one step.
#[derive(Debug, Clone)]
pub(crate) struct StepSlots {
    pub(crate) all: usize,
    pub(crate) free: Arc<Semaphore>,
}

/// A process, as it tells of itself again and again.
pub(crate) struct Heartbeat {
    fleet: Arc<dyn Fleet>,
    process: Process,
    slots: BTreeMap<StepName, StepSlots>,
}

impl Heartbeat {
    /// A process whose slots are as they are now: the first beat tells that, and not that its first claims hold them all.
    pub(crate) fn new(fleet: Arc<dyn Fleet>, process: Process, slots: BTreeMap<StepName, StepSlots>) -> Self {
        let mut heartbeat = Self { fleet, process, slots };
        heartbeat.look();
        heartbeat
    }

    fn look(&mut self) {
        self.process.busy = self.slots.iter().map(|(step, slots)| (step.clone(), slots.busy())).collect();
        for (step, busy) in &self.process.busy {
            let slots = |state, many: usize| {
                let many = u32::try_from(many).unwrap_or(u32::MAX);
                gauge!("signup_worker_slots", "step" => step.to_string(), "state" => state).set(many);
            };
            slots("busy", busy.running);
            slots("free", busy.slots.saturating_sub(busy.running));
        }
    }

    /// Beats until `end`, and then leaves. No beat is under way any more then, which could come after the leaving.
    pub(crate) async fn run(mut self, end: CancellationToken) {
        let mut heard = true;
        while !end.is_cancelled() {
            heard = self.beat(heard).await;
            end.run_until_cancelled(sleep(BEAT)).await;
            self.look();
        }
        if let Err(error) = self.fleet.leave(&self.process.name).await {
            warn!(%error, "this process could not say that it ends");
        }
    }

    /// Whether it was heard. Says so when that changes, and not each time.
    async fn beat(&mut self, heard_before: bool) -> bool {
        match (self.fleet.beat(&self.process).await, heard_before) {
            (Ok(()), true) => true,
            (Ok(()), false) => {
                info!("operators see this process again");
                true
            }
            (Err(error), true) => {
                warn!(%error, "operators do not see this process: its heartbeat fails");
                false
            }
            (Err(_), false) => false,
        }
    }
}

impl StepSlots {
    pub(crate) fn new(all: usize) -> Self {
        Self { all, free: Arc::new(Semaphore::new(all)) }
    }

    fn busy(&self) -> Busy {
        Busy { running: self.all.saturating_sub(self.free.available_permits()), slots: self.all }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::Duration;

    use async_trait::async_trait;
    use saga::WorkerName;
    use saga::fleet::Seen;
    use saga::store::Error;

    use super::*;

    const STEP: StepName = StepName::new("step");

    /// Keeps what it was told, and is away for a while.
    #[derive(Default)]
    struct Ear {
        told: Mutex<Vec<Option<Busy>>>,
        away: Mutex<usize>,
    }

    #[async_trait]
    impl Fleet for Ear {
        async fn beat(&self, process: &Process) -> Result<(), Error> {
            if let Some(fewer) = { self.away.lock().unwrap().checked_sub(1) } {
                *self.away.lock().unwrap() = fewer;
                return Err(Error::Unavailable("away".to_owned()));
            }
            self.told.lock().unwrap().push(process.busy.get(&STEP).copied());
            Ok(())
        }

        async fn leave(&self, name: &WorkerName) -> Result<(), Error> {
            assert_eq!(name.as_str(), "test");
            self.told.lock().unwrap().push(None);
            Ok(())
        }

        async fn processes(&self) -> Result<Vec<Seen>, Error> {
            Ok(Vec::new())
        }
    }

    fn heartbeat(ear: &Arc<Ear>, slots: &StepSlots) -> Heartbeat {
        let process = Process {
            name: WorkerName::from_stored("test".to_owned()),
            role: "serve".to_owned(),
            version: "1".to_owned(),
            host: "here".to_owned(),
            pid: 1,
            busy: BTreeMap::new(),
        };
        let slots = BTreeMap::from([(STEP, slots.clone())]);
        Heartbeat::new(Arc::clone(ear) as _, process, slots)
    }

    async fn pass(beats: u32) {
        sleep(BEAT * beats).await;
    }

    #[tokio::test(start_paused = true)]
    async fn it_tells_how_busy_each_step_is_and_leaves_at_the_end() {
        let (ear, slots, end) = (Arc::new(Ear::default()), StepSlots::new(3), CancellationToken::new());
        let beating = tokio::spawn(heartbeat(&ear, &slots).run(end.clone()));
        sleep(Duration::from_secs(1)).await;
        let taken = Arc::clone(&slots.free).acquire_many_owned(2).await.unwrap();
        pass(2).await;
        drop(taken);
        pass(1).await;
        end.cancel();
        beating.await.unwrap();
        let busy = |running| Some(Busy { running, slots: 3 });
        assert_eq!(*ear.told.lock().unwrap(), [busy(0), busy(2), busy(2), busy(0), None]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_process_that_starts_is_not_told_to_be_busy_with_its_first_claims() {
        let (ear, slots, end) = (Arc::new(Ear::default()), StepSlots::new(3), CancellationToken::new());
        let heart = heartbeat(&ear, &slots);
        let claiming = Arc::clone(&slots.free).acquire_many_owned(3).await.unwrap();
        let beating = tokio::spawn(heart.run(end.clone()));
        sleep(Duration::from_secs(1)).await;
        drop(claiming);
        end.cancel();
        beating.await.unwrap();
        assert_eq!(*ear.told.lock().unwrap(), [Some(Busy { running: 0, slots: 3 }), None]);
    }

    #[tokio::test(start_paused = true)]
    async fn it_goes_on_where_nobody_hears_it() {
        let ear = Arc::new(Ear { away: Mutex::new(3), ..Ear::default() });
        let (slots, end) = (StepSlots::new(1), CancellationToken::new());
        let mut heart = heartbeat(&ear, &slots);
        assert!(!heart.beat(true).await && !heart.beat(false).await);
        let beating = tokio::spawn(heart.run(end.clone()));
        sleep(Duration::from_secs(1)).await;
        assert!(ear.told.lock().unwrap().is_empty());
        pass(1).await;
        assert_eq!(ear.told.lock().unwrap().len(), 1);
        end.cancel();
        beating.await.unwrap();
    }
}
