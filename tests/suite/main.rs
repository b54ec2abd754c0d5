//! The product as its users meet it: the real binary, real files, real signals.

#![expect(clippy::unwrap_used, reason = "a test's helper fails the test")]

mod architecture;
mod cluster;
mod compose;
mod configuration;
mod embedded;
mod kill;
mod operate;
mod postgres;
mod redis;
mod site;
mod start;
mod versions;

/// Held to read by tests that keep the machine busy for long, and to write by those that hold answers against a clock.
static BUSY: tokio::sync::RwLock<()> = tokio::sync::RwLock::const_new(());
