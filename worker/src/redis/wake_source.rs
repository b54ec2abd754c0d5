//! When an apalis worker looks for hints.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use apalis_core::backend::ext::poll_strategy::{PollSnapshot, PollStrategy};
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::ear::Ear;

/// Between two looks without a ring, for a ring that was lost.
const TICK: Duration = Duration::from_millis(250);

/// Looks whenever its [`Ear`] is rung. Unlike apalis' own strategies it polls its sources until each of them is pending,
/// and thus has the worker's waker: a strategy that does not may never be asked again.
pub(super) struct WakeSource {
    ear: Arc<Ear>,
    rung: Option<Pin<Box<dyn Future<Output = ()> + Send + Sync>>>,
    tick: Interval,
}

impl WakeSource {
    pub(super) fn new(ear: Arc<Ear>) -> Self {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { ear, rung: None, tick }
    }

    fn poll_rung(&mut self, cx: &mut Context<'_>) -> bool {
        let mut any = false;
        loop {
            let rung = self.rung.get_or_insert_with(|| {
                let ear = Arc::clone(&self.ear);
                Box::pin(async move { ear.rung.notified().await })
            });
            if rung.as_mut().poll(cx).is_pending() {
                return any;
            }
            self.rung = None;
            any = true;
        }
    }
}

impl PollStrategy for WakeSource {
    fn poll_drive(&mut self, cx: &mut Context<'_>, _: &PollSnapshot) -> Poll<Option<()>> {
        let rung = self.poll_rung(cx);
        if rung {
            self.ear.heard();
        }
        let mut ticked = false;
        while self.tick.poll_tick(cx).is_ready() {
            ticked = true;
        }
        if rung || ticked { Poll::Ready(Some(())) } else { Poll::Pending }
    }
}
