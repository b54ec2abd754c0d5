//! A hot standby of a private PostgreSQL server.

use std::fs;
use std::process::Command;

use anyhow::{Context, ensure};

use super::Postgres;
use super::programs::{programs, run};
use crate::start::{on_free_port, until};

/// Whether a primary waits for its standby.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replication {
    /// It acknowledges a commit once the standby has it. While there is no standby, it acknowledges none.
    Synchronous,
    /// It does not wait: what it acknowledged last may be lost with it.
    Asynchronous,
}

/// A server that repeats what its primary does, and answers reads. It remains one until it is promoted.
#[derive(Debug)]
pub struct Standby(Postgres);

impl Standby {
    /// Copies a running primary, and follows it; streaming when this returns. A synchronous one takes the place of a
    /// synchronous one before it.
    ///
    /// # Errors
    /// If the primary does not answer, or the standby does not start.
    pub fn of(primary: &Postgres, replication: Replication) -> anyhow::Result<Self> {
        let standby = on_free_port(|port| Self::start_on(port, primary)).context("the standby does not start")?;
        let name = name(standby.port());
        if replication == Replication::Synchronous {
            primary.ask("postgres", &format!("ALTER SYSTEM SET synchronous_standby_names = '{name}'"))?;
            primary.ask("postgres", "SELECT pg_reload_conf()")?;
        }
        let state = match replication {
            Replication::Synchronous => "streaming|sync",
            Replication::Asynchronous => "streaming|async",
        };
        let states = format!("SELECT state, sync_state FROM pg_stat_replication WHERE application_name = '{name}'");
        until("the standby follows", || Ok((primary.ask("postgres", &states)? == state).then_some(())))?;
        Ok(Self(standby))
    }

    /// Makes it a primary, whatever has become of its own; it takes writes when this returns.
    ///
    /// # Errors
    /// If it does not become one.
    pub fn promote(self) -> anyhow::Result<Postgres> {
        let promoted = self.0.ask("postgres", "SELECT pg_promote(true, 30)")?;
        ensure!(promoted == "t", "the standby is not promoted in time: {}", self.0.log()?);
        Ok(self.0)
    }

    /// Cuts it off from its primary: what that does from now on no longer reaches it.
    ///
    /// # Errors
    /// If it cannot be told, or follows all the same.
    pub fn cut_off(&self) -> anyhow::Result<()> {
        self.0.ask("postgres", "ALTER SYSTEM SET primary_conninfo = ''")?;
        self.0.ask("postgres", "SELECT pg_reload_conf()")?;
        let follows = "SELECT count(*) FROM pg_stat_wal_receiver";
        until("the standby is cut off", || Ok((self.0.ask("postgres", follows)? == "0").then_some(())))
    }

    /// The server that it is: to read from, pause and kill.
    pub fn server(&mut self) -> &mut Postgres {
        &mut self.0
    }

    /// The URL of one of its databases.
    pub fn url(&self, database: &str) -> String {
        self.0.url(database)
    }

    fn start_on(port: u16, primary: &Postgres) -> anyhow::Result<Postgres> {
        let programs = programs()?;
        let folder = tempfile::Builder::new().prefix("signup-postgres-").tempdir()?;
        let data = folder.path().join("data");
        let mut copy = Command::new(programs.join("pg_basebackup"));
        copy.args(["-h", "127.0.0.1", "-p", &primary.port().to_string(), "-U", "postgres"]);
        copy.args(["--checkpoint=fast", "--no-sync", "-D"]).arg(&data);
        run(&mut copy)?;
        let from = format!("host=127.0.0.1 port={} user=postgres application_name={}", primary.port(), name(port));
        // In place of what the primary was told, such as to wait for a standby.
        fs::write(data.join("postgresql.auto.conf"), format!("primary_conninfo = '{from}'\n"))?;
        fs::write(data.join("standby.signal"), "")?;
        Postgres::start_in(folder, port, &programs)
    }
}

/// What a standby on this port is called by its primary.
fn name(port: u16) -> String {
    format!("standby_{port}")
}
