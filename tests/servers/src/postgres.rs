//! A private PostgreSQL server.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, ensure};

use crate::keeper::Kept;
use crate::start::{on_free_port, until};

/// Whether what is committed survives a loss of power.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// It does, as in production.
    Full,
    /// It does not: for tests, of which only the processes die.
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

    /// Kills it without a word to anybody. What its own processes still run, they end by themselves.
    ///
    /// # Errors
    /// If there is no answer.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.kept.tell("kill")
    }

    /// Starts it again after [`Postgres::kill`], on the same port, with what it has stored; ready when this returns.
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
        let folder = tempfile::Builder::new().prefix("signup-postgres-").tempdir()?.keep();
        let data = folder.join("data");
        run(Command::new("cp").arg("-a").arg(template).arg(&data))?;
        let (on, port_text) = (if durability == Durability::Full { "on" } else { "off" }, port.to_string());
        let settings = [
            "listen_addresses=127.0.0.1".to_owned(),
            "unix_socket_directories=".to_owned(),
            "max_connections=300".to_owned(),
            "shared_buffers=256MB".to_owned(),
            "max_wal_size=4GB".to_owned(),
            format!("fsync={on}"),
            format!("synchronous_commit={on}"),
            format!("full_page_writes={on}"),
        ];
        let (server, data) = (programs.join("postgres"), data.display().to_string());
        let server = server.display().to_string();
        let mut command = as_owner(&folder)?;
        command.extend([&*server, "-D", &data, "-p", &port_text].map(str::to_owned));
        command.extend(settings.iter().flat_map(|setting| ["-c".to_owned(), setting.clone()]));
        let command: Vec<_> = command.iter().map(String::as_str).collect();
        let kept = Kept::start(&folder, "QUIT", &command)?;
        let server = Self { port, folder, kept };
        server.wait(programs)?;
        Ok(server)
    }

    fn wait(&self, programs: &Path) -> anyhow::Result<()> {
        until("PostgreSQL is ready", || {
            let log = self.log().unwrap_or_default();
            ensure!(!log.contains("FATAL") || log.contains("starting up"), "{log}");
            Ok(self.is_ready(programs)?.then_some(()))
        })
    }

    fn is_ready(&self, programs: &Path) -> anyhow::Result<bool> {
        let mut ask = Command::new(programs.join("pg_isready"));
        Ok(ask.args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()]).status()?.success())
    }
}

/// Where PostgreSQL's programs are: in the path, or where Debian puts the newest.
fn programs() -> anyhow::Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path());
    let mut debian: Vec<_> = debian.collect();
    debian.sort_by_key(|path| path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok()));
    let mut folders = std::env::split_paths(&path).chain(debian.iter().rev().map(|version| version.join("bin")));
    let found = folders.find_map(|folder| fs::canonicalize(folder.join("initdb")).ok());
    // What is in the path may be a link to one program among others.
    found
        .and_then(|initdb| initdb.parent().map(Path::to_owned))
        .filter(|folder| folder.join("postgres").exists() && folder.join("pg_isready").exists())
        .context("PostgreSQL's programs are missing; install Debian's package `postgresql`, or put them in the path")
}

/// An initialised data folder, made once and kept with what cargo builds.
fn template(programs: &Path) -> anyhow::Result<PathBuf> {
    let version = Command::new(programs.join("postgres")).arg("--version").output()?.stdout;
    let version = String::from_utf8(version)?;
    let version = version.split_whitespace().nth(2).context("PostgreSQL does not tell its version")?;
    let executable = std::env::current_exe()?;
    let built = executable.ancestors().find(|folder| folder.join("CACHEDIR.TAG").exists());
    let template = built.unwrap_or(&std::env::temp_dir()).join(format!("servers/postgres-{version}"));
    if template.join("PG_VERSION").exists() {
        return Ok(template);
    }
    let folder = tempfile::Builder::new().prefix("signup-postgres-").tempdir()?;
    let data = folder.path().join("data");
    let (initdb, shown) = (programs.join("initdb").display().to_string(), data.display().to_string());
    let mut command = as_owner(folder.path())?;
    let arguments = ["-U", "postgres", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8", "-D"];
    command.push(initdb);
    command.extend(arguments.map(str::to_owned));
    command.push(shown);
    let (program, arguments) = command.split_first().context("no command")?;
    run(Command::new(program).args(arguments))?;
    // Another process may be as far: whichever is first is as good.
    let draft = template.with_extension(std::process::id().to_string());
    fs::create_dir_all(template.parent().context("no folder")?)?;
    run(Command::new("cp").arg("-a").arg(&data).arg(&draft))?;
    if fs::rename(&draft, &template).is_err() {
        fs::remove_dir_all(&draft)?;
    }
    Ok(template)
}

/// What to put before a command that works in this folder: PostgreSQL refuses to run as root, so Debian's user for it
/// does, and owns the folder.
fn as_owner(folder: &Path) -> anyhow::Result<Vec<String>> {
    let id = Command::new("id").arg("-u").output()?.stdout;
    if id.trim_ascii() != b"0" {
        return Ok(Vec::new());
    }
    run(Command::new("chown").arg("-R").arg("postgres").arg(folder))?;
    let prefix = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"];
    Ok(prefix.map(str::to_owned).to_vec())
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let output = command.output().with_context(|| format!("cannot run {}", command.get_program().display()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{} failed: {said}", command.get_program().display());
    Ok(())
}
