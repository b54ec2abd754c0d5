//! The product as its users meet it: the real binary, real files, real signals.

#![expect(clippy::unwrap_used, reason = "a test's helper fails the test")]

mod architecture;
mod audit;
mod auditing;
mod canaries;
mod chaos;
mod cluster;
mod compose;
mod configuration;
mod crash;
mod door;
mod embedded;
mod failover;
mod faults;
mod flaws;
mod kill;
mod limits;
mod load;
mod memory;
mod metrics;
mod nonsense;
mod operate;
mod outage;
mod pair;
mod postgres;
mod private;
mod python;
mod raw;
mod redis;
mod rolling;
mod rotation;
mod schemathesis;
mod sessions;
mod site;
mod slow;
mod start;
mod statistics;
mod troubles;
mod versions;

/// Held to read by tests that keep the machine busy for long, and to write by those that hold answers against a clock.
static BUSY: tokio::sync::RwLock<()> = tokio::sync::RwLock::const_new(());

/// How many, as whoever runs the tests by hand may say in a variable.
fn how_many(variable: &str, otherwise: usize) -> usize {
    std::env::var(variable).map_or(otherwise, |said| said.parse().unwrap())
}
