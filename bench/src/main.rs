//! Figures that anyone can reproduce: see README.md.
//!
//! Nothing here asserts. A figure is read by a person, beside the goal that it is held against.

mod alone;
mod audit;
mod backlog;
mod cluster;
mod ended;
mod growth;
mod hashing;
mod load;
mod people;
mod private;
mod processes;
mod sagas;
mod serial;
mod service;
mod sessions;
mod statistics;
mod timed;
mod turns;
mod users;

use clap::{Parser, Subcommand};
use figures::Machine;

/// Measures the service on this machine. Uses the loopback interface and temporary folders alone.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    figure: Figure,
}

#[derive(Debug, Subcommand)]
enum Figure {
    /// Sign-ups per second at full hashing cost, against what the machine hashes alone
    Hashing(hashing::Arguments),
    /// One sign-up at a time: what it takes beside its hash, and where that goes
    Alone(alone::Arguments),
    /// Sagas per second without the hash, against the database alone doing the same statements
    Sagas(sagas::Arguments),
    /// The same two as processes, with PostgreSQL, Redis and the client on the same cores
    Cluster(cluster::Arguments),
    /// What a saga costs the database, as ended sagas grow in number
    Growth(growth::Arguments),
    /// What an audit takes, as ended sagas grow in number
    Audit(audit::Arguments),
    /// What it takes to tell how sign-ups go, as ended sagas grow in number
    Statistics(statistics::Arguments),
    /// Sagas that are all due at once when an outage ends: how soon workers are at their best again
    Backlog(backlog::Arguments),
    /// Whether the time of an answer tells whose e-mail is known, where nobody is to learn that
    Private(private::Arguments),
    /// Signing in, one at a time, at once and on and on, and what access tokens cost
    Sessions(sessions::Arguments),
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    Machine::look()?.print();
    match arguments.figure {
        Figure::Hashing(arguments) => hashing::measure(&arguments).await,
        Figure::Alone(arguments) => alone::measure(&arguments).await,
        Figure::Sagas(arguments) => sagas::measure(&arguments).await,
        Figure::Cluster(arguments) => cluster::measure(&arguments).await,
        Figure::Growth(arguments) => growth::measure(&arguments).await,
        Figure::Audit(arguments) => audit::measure(&arguments).await,
        Figure::Statistics(arguments) => statistics::measure(&arguments).await,
        Figure::Backlog(arguments) => backlog::measure(&arguments).await,
        Figure::Private(arguments) => private::measure(&arguments).await,
        Figure::Sessions(arguments) => sessions::measure(&arguments).await,
    }
}
