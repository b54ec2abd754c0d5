//! The servers really run, do what a test tells them, and leave nothing behind.

#![expect(clippy::unwrap_used, reason = "a test's helper fails the test")]

mod postgres;
mod proxy;
mod redis;
mod standby;

use std::time::{Duration, Instant};

/// Waits for a condition, for 30 s at most.
fn within(what: &str, mut condition: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < Duration::from_secs(30), "not within 30 s: {what}");
        std::thread::park_timeout(Duration::from_millis(10));
    }
}
