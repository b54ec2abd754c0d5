//! How far the workers are behind.

use std::time::Duration;

use async_trait::async_trait;
use saga::store::Error;
use saga::{Backlog, Census, Outline, State};

use super::{Memory, between};

#[async_trait]
impl Backlog for Memory {
    async fn longest_wait(&self, outline: &Outline) -> Result<Duration, Error> {
        let (now, tables) = (self.clock.now(), self.lock());
        let waits = tables.sagas.values().filter(|row| {
            matches!(row.state, State::Active(_))
                && row.version <= outline.version
                && row.lease.is_none()
                && row.stuck_since.is_none()
        });
        Ok(waits.map(|row| between(row.due_at, now)).max().unwrap_or_default())
    }

    async fn census(&self, outline: &Outline) -> Result<Census, Error> {
        let (now, tables) = (self.clock.now(), self.lock());
        let active = || tables.sagas.values().filter(|row| matches!(row.state, State::Active(_)));
        let waiting = |step| {
            let due = active().filter(|row| row.state.step() == Some(step) && row.due_at <= now);
            due.filter(|row| row.lease.is_none() && row.stuck_since.is_none()).count() as u64
        };
        let waiting = outline.steps.iter().map(|step| (step.clone(), waiting(step))).collect();
        Ok(Census { waiting, stuck: active().filter(|row| row.stuck_since.is_some()).count() as u64 })
    }
}
