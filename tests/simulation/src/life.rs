//! A process' life: it can stand still, all of it at once, and it can die.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use crate::lock;

/// What every task of a process looks at before it does anything.
#[derive(Debug, Default)]
pub(crate) struct Life(Mutex<Pulse>);

#[derive(Debug, Default, Clone, Copy)]
enum Pulse {
    #[default]
    Alive,
    /// As after SIGSTOP: timers run out meanwhile, and nobody looks.
    StillUntil(Instant),
    Dead,
}

impl Life {
    /// Ends the process where it stands.
    pub(crate) fn die(&self) {
        *lock(&self.0) = Pulse::Dead;
    }

    /// Stops the process for so long.
    pub(crate) fn stand_still(&self, time: Duration) {
        let mut pulse = lock(&self.0);
        if !matches!(*pulse, Pulse::Dead) {
            *pulse = Pulse::StillUntil(Instant::now() + time);
        }
    }

    pub(crate) fn is_dead(&self) -> bool {
        matches!(*lock(&self.0), Pulse::Dead)
    }

    fn pulse(&self) -> Pulse {
        let mut pulse = lock(&self.0);
        if matches!(*pulse, Pulse::StillUntil(until) if until <= Instant::now()) {
            *pulse = Pulse::Alive;
        }
        *pulse
    }

    /// Starts a task of this process.
    pub(crate) fn spawn(self: &Arc<Self>, work: impl Future<Output = ()> + Send + 'static) {
        tokio::spawn(Living { life: Arc::clone(self), work: Box::pin(work), still: None });
    }
}

/// Work that goes on only while its process does.
struct Living {
    life: Arc<Life>,
    work: Pin<Box<dyn Future<Output = ()> + Send>>,
    still: Option<Pin<Box<Sleep>>>,
}

impl Future for Living {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        loop {
            match self.life.pulse() {
                Pulse::Dead => return Poll::Ready(()),
                Pulse::Alive => {
                    self.still = None;
                    return self.work.as_mut().poll(context);
                }
                Pulse::StillUntil(until) => {
                    let still = self.still.get_or_insert_with(|| Box::pin(sleep_until(until)));
                    if still.deadline() != until {
                        still.as_mut().reset(until);
                    }
                    if still.as_mut().poll(context).is_pending() {
                        return Poll::Pending;
                    }
                    self.still = None;
                }
            }
        }
    }
}
