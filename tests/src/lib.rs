//! What the whole-product tests stand on: the real binary as a real process, and a client.

pub mod audit;
mod binary;
pub mod chaos;
mod client;
mod cluster;
pub mod compose;
pub mod crash;
mod hints;
mod member;
mod process;
mod wait;

pub use binary::binary;
pub use client::{Answer, Client, FORWARDED_FOR, PASSWORD, somebody};
pub use cluster::Cluster;
pub use hints::plant;
pub use member::Member;
pub use process::{Failure, Server, run, run_with};
pub use wait::eventually;
