//! The processes that work on the store.

use async_trait::async_trait;
use saga::WorkerName;
use saga::fleet::{FORGOTTEN, Fleet, Process, Seen};
use saga::store::Error;

use super::{Memory, between};

#[async_trait]
impl Fleet for Memory {
    async fn beat(&self, process: &Process) -> Result<(), Error> {
        let now = self.clock.now();
        let processes = &mut self.lock().processes;
        let since = processes.get(&process.name.to_string()).map_or(now, |(_, since, _)| *since);
        processes.insert(process.name.to_string(), (process.clone(), since, now));
        processes.retain(|_, (.., at)| between(*at, now) < FORGOTTEN);
        Ok(())
    }

    async fn leave(&self, name: &WorkerName) -> Result<(), Error> {
        self.lock().processes.remove(&name.to_string());
        Ok(())
    }

    async fn processes(&self) -> Result<Vec<Seen>, Error> {
        let now = self.clock.now();
        let tables = self.lock();
        let seen = tables.processes.values().map(|(process, since, at)| Seen {
            process: process.clone(),
            since: *since,
            at: *at,
            ago: between(*at, now),
        });
        Ok(seen.collect())
    }
}
