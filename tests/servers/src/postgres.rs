//! A private PostgreSQL server.

mod disk;
mod programs;
mod standby;

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, ensure};
use tempfile::TempDir;

use self::programs::{as_owner, programs, run, template};
pub use self::standby::{Replication, Standby};
use crate::keeper::Kept;
use crate::start::{on_free_port, until};

/// What every server is set up with. A standby inherits them from its primary, for which the defaults are enough:
/// `wal_level` is `replica`, ten senders are allowed, and whoever is on this machine is trusted.
const SETTINGS: &str = "
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 300
shared_buffers = 256MB
max_wal_size = 4GB
";

/// How long `psql` waits for a server and for what it asks it, in its environment.
const LIMITS: [(&str, &str); 2] = [("PGCONNECT_TIMEOUT", "10"), ("PGOPTIONS", "-c statement_timeout=60s")];

/// Whether what is committed survives a loss of power.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// It does, as in production.
    Full,
    /// It does not, but survives the death of the server's processes: for tests, of which only those die.
    None,
}

/// A running PostgreSQL server.
#[derive(Debug)]
pub struct Postgres {
    port: u16,
    folder: PathBuf,
    kept: Kept,
}

impl Postgres {
    /// Asked of a database, it turns out all processes of the product, and tells how many connections that were.
    pub const TURN_OUT: &str = "
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
 WHERE datname = current_database() AND application_name = 'signup'";

    /// Starts one; ready when this returns.
    ///
    /// # Errors
    /// If PostgreSQL's programs are missing, or do not start a server.
    pub fn start(durability: Durability) -> anyhow::Result<Self> {
        let programs = programs()?;
        let template = template(&programs)?;
        on_free_port(|port| Self::start_on(port, &programs, &template, durability)).context("PostgreSQL does not start")
    }

    /// One server without durability for all tests of this process.
    ///
    /// # Panics
    /// If it does not start: no test can go on then.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(|| match Self::start(Durability::None) {
            Ok(server) => server,
            #[expect(clippy::panic, reason = "no test can go on without it")]
            Err(error) => panic!("{error:#}"),
        })
    }

    /// The URL of one of its databases; `postgres` is always there.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// Its port on the loopback address.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What it has logged.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub fn log(&self) -> anyhow::Result<String> {
        Ok(fs::read_to_string(self.folder.join("log"))?)
    }

    /// Where it keeps its files, and its log in `log`.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Runs a statement on one of its databases, and gives what `psql` prints: a line for each row, `|` between columns.
    ///
    /// # Errors
    /// What the server says, or that it says nothing in time.
    pub fn ask(&self, database: &str, sql: &str) -> anyhow::Result<String> {
        let mut ask = Command::new(programs()?.join("psql"));
        ask.args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-c", sql, &self.url(database)]);
        for (name, limit) in LIMITS.into_iter().filter(|(name, _)| std::env::var_os(name).is_none()) {
            ask.env(name, limit);
        }
        Ok(run(&mut ask)?.trim_end().to_owned())
    }

    /// All that is in its databases, as SQL: what `pg_dumpall` prints.
    ///
    /// # Errors
    /// What that says instead.
    pub fn dump(&self) -> anyhow::Result<String> {
        run(Command::new(programs()?.join("pg_dumpall")).args(["-d", &self.url("postgres")]))
    }

    /// Stops all its processes: it still takes connections, and answers nobody.
    ///
    /// # Errors
    /// If there is no answer.
    pub fn pause(&mut self) -> anyhow::Result<()> {
        self.kept.tell("stop")
    }

    /// Continues them after [`Postgres::pause`].
    ///
    /// # Errors
    /// If there is no answer.
    pub fn resume(&mut self) -> anyhow::Result<()> {
        self.kept.tell("continue")
    }

    /// Kills it without a word to anybody. What its own processes still run, they end by themselves.
    ///
    /// # Errors
    /// If there is no answer.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.kept.tell("kill")
    }

    /// Ends it as an operator does who restarts it: whoever is connected is turned out, and what they were at is undone.
    ///
    /// # Errors
    /// If there is no answer.
    pub fn end(&mut self) -> anyhow::Result<()> {
        self.kept.tell("end")
    }

    /// Starts it again after [`Postgres::kill`] or [`Postgres::end`], on the same port, with what it has stored; ready when this returns.
    ///
    /// # Errors
    /// If it does not start.
    pub fn revive(&mut self) -> anyhow::Result<()> {
        let programs = programs()?;
        let mut logged = self.log()?.len();
        self.kept.tell("start")?;
        until("PostgreSQL is ready again", || {
            if self.is_ready(&programs)? {
                return Ok(Some(()));
            }
            let log = self.log()?;
            let news = log.get(logged..).unwrap_or_default();
            // Processes of its former life are still there.
            if news.contains("pre-existing shared memory block") || news.contains("lock file \"postmaster.pid\"") {
                logged = log.len();
                self.kept.tell("start")?;
            }
            Ok(None)
        })
    }

    fn start_on(port: u16, programs: &Path, template: &Path, durability: Durability) -> anyhow::Result<Self> {
        Self::start_in(folder(template, durability)?, port, programs)
    }

    /// Starts one on what is in the folder.
    fn start_in(folder: TempDir, port: u16, programs: &Path) -> anyhow::Result<Self> {
        let data = folder.path().join("data");
        Self::start_with(folder, &data, port, programs, Vec::new())
    }

    /// Starts one on this data, behind a command that ends by being the server.
    fn start_with(
        folder: TempDir,
        data: &Path,
        port: u16,
        programs: &Path,
        mut command: Vec<String>,
    ) -> anyhow::Result<Self> {
        let (server, data) = (programs.join("postgres").display().to_string(), data.display().to_string());
        command.extend(as_owner(folder.path())?);
        command.extend([&*server, "-D", &data, "-p", &port.to_string()].map(str::to_owned));
        let command: Vec<_> = command.iter().map(String::as_str).collect();
        let kept = Kept::start(folder.path(), "QUIT", &command)?;
        let server = Self { port, folder: folder.keep(), kept };
        server.wait(programs)?;
        Ok(server)
    }

    fn wait(&self, programs: &Path) -> anyhow::Result<()> {
        until("PostgreSQL is ready", || {
            let log = self.log().unwrap_or_default();
            // Whoever asks too early is told so with the same word.
            let fatal = |line: &str| line.contains("FATAL") && !line.contains("the database system is");
            ensure!(!log.lines().any(fatal), "{log}");
            Ok(self.is_ready(programs)?.then_some(()))
        })
    }

    fn is_ready(&self, programs: &Path) -> anyhow::Result<bool> {
        let mut ask = Command::new(programs.join("pg_isready"));
        Ok(ask.args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()]).status()?.success())
    }
}

/// A folder with a server's data.
fn folder(template: &Path, durability: Durability) -> anyhow::Result<TempDir> {
    let folder = tempfile::Builder::new().prefix("signup-postgres-").tempdir()?;
    let data = folder.path().join("data");
    run(Command::new("cp").arg("-a").arg(template).arg(&data))?;
    let on = if durability == Durability::Full { "on" } else { "off" };
    let settings = format!("{SETTINGS}fsync = {on}\nfull_page_writes = {on}\n");
    OpenOptions::new().append(true).open(data.join("postgresql.conf"))?.write_all(settings.as_bytes())?;
    Ok(folder)
}
