//! The binary as a process.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::client::UNLIMITED;
use crate::{Client, binary};

/// What a password costs in tests, unless they say otherwise.
pub(crate) const CHEAP: (&str, &str) = ("SIGNUP_ARGON2", "m=8,t=1,p=1");
const START: Duration = Duration::from_secs(30);
pub(crate) const STOP: Duration = Duration::from_secs(30);

/// A running `signup serve`. It dies with this value, and with the test's process.
#[derive(Debug)]
pub struct Server {
    child: Child,
    url: String,
    log: PathBuf,
    /// What it printed on standard output until it was ready.
    pub banner: String,
}

/// How the binary ended instead of serving.
#[derive(Debug)]
pub struct Failure {
    /// Its exit code.
    pub code: Option<i32>,
    /// What it said on standard error.
    pub stderr: String,
}

impl Server {
    /// Starts it on a data folder and a free port; ready when this returns. Its log goes to a file beside the folder.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn start(data: &Path) -> anyhow::Result<Self> {
        Self::start_with(data, &[]).await
    }

    /// As [`Server::start`], with more arguments.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn start_with(data: &Path, arguments: &[&str]) -> anyhow::Result<Self> {
        Self::start_in(data, arguments, &[]).await
    }

    /// As [`Server::start_with`], with these environment variables.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn start_in(data: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> anyhow::Result<Self> {
        let mut command = command(data).await?;
        command.args(arguments).envs(environment.iter().copied());
        Self::ready(data, command).await
    }

    /// As [`Server::start_with`], with this limit of open files: `soft:hard`.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn start_within(files: &str, data: &Path, arguments: &[&str]) -> anyhow::Result<Self> {
        let inner = command(data).await?;
        let mut command = Command::new("prlimit");
        command.arg(format!("--nofile={files}")).arg(inner.as_std().get_program()).args(inner.as_std().get_args());
        unconfigured(&mut command).args(arguments).kill_on_drop(true);
        Self::ready(data, command).await
    }

    /// As [`Server::start`], but what it prints goes to a terminal.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn start_on_a_terminal(data: &Path) -> anyhow::Result<Self> {
        let inner = command(data).await?;
        let inner = std::iter::once(inner.as_std().get_program()).chain(inner.as_std().get_args());
        let words: Vec<_> = inner.map(|word| format!("'{}'", word.display())).collect();
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--", "script", "-qfec", &words.join(" "), "/dev/null"]);
        unconfigured(&mut command).envs([CHEAP]).kill_on_drop(true);
        Self::ready(data, command).await
    }

    async fn ready(data: &Path, mut command: Command) -> anyhow::Result<Self> {
        let log = data.with_extension("log");
        let file = std::fs::OpenOptions::new().create(true).append(true).open(&log)?;
        command.stdout(Stdio::piped()).stderr(file);
        let mut child = command.spawn()?;
        let stdout = child.stdout.take().context("no standard output")?;
        let mut lines = BufReader::new(stdout).lines();
        let mut banner = String::new();
        let last = async {
            while let Some(line) = lines.next_line().await? {
                banner.push_str(&line);
                banner.push('\n');
                if line.starts_with("Ctrl-C") {
                    break;
                }
            }
            anyhow::Ok(())
        };
        timeout(START, last).await.context("it did not get ready")??;
        let said = || std::fs::read_to_string(&log).unwrap_or_default();
        let api = banner.lines().find_map(|line| line.trim().strip_prefix("API"));
        let url = api.with_context(|| format!("it did not say where it listens: {}", said()))?.trim().to_owned();
        Ok(Self { child, url, log, banner })
    }

    /// A client of it.
    pub fn client(&self) -> Client {
        Client::new(&self.url)
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// All that it and its predecessors on the same folder have logged.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn log(&self) -> anyhow::Result<String> {
        Ok(std::fs::read_to_string(&self.log)?)
    }

    /// Its process' id.
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// `kill -9`.
    ///
    /// # Errors
    /// If it cannot be killed.
    pub async fn kill(mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }

    /// SIGTERM, and waits for its end.
    ///
    /// # Errors
    /// If it does not end in time.
    pub async fn terminate(mut self) -> anyhow::Result<ExitStatus> {
        let pid = self.pid().context("it has ended already")?.to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status().await?;
        ensure!(sent.success(), "SIGTERM was not sent");
        Ok(timeout(STOP, self.child.wait()).await.context("it did not stop")??)
    }
}

/// Runs the binary to its end.
///
/// # Errors
/// If it does not end in time.
pub async fn run(arguments: &[&str]) -> anyhow::Result<Output> {
    run_with(arguments, &[]).await
}

/// As [`run`], with these environment variables.
///
/// # Errors
/// If it does not end in time.
pub async fn run_with(arguments: &[&str], environment: &[(&str, &str)]) -> anyhow::Result<Output> {
    let mut command = Command::new(binary().await?);
    unconfigured(&mut command).args(arguments).envs(environment.iter().copied()).kill_on_drop(true);
    timeout(START, command.output()).await.context("it did not end")?.context("it did not run")
}

impl Failure {
    /// Starts a server that is expected to refuse.
    ///
    /// # Errors
    /// If it serves instead.
    pub async fn of(data: &Path) -> anyhow::Result<Self> {
        let mut command = command(data).await?;
        let output = timeout(START, command.output()).await.context("it serves, or hangs")??;
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(!output.status.success(), "it ended well: {stderr}");
        Ok(Self { code: output.status.code(), stderr })
    }
}

/// The binary on this folder, with cheap hashes; killed with this process.
async fn command(data: &Path) -> anyhow::Result<Command> {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(binary().await?).arg("serve").arg("--data-dir").arg(data);
    command.args(["--listen", "127.0.0.1:0"]).kill_on_drop(true);
    unconfigured(&mut command).envs([CHEAP]);
    Ok(command)
}

/// Without whatever the tests' own environment configures; believed where it says for whom it asks.
pub(crate) fn unconfigured(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars_os() {
        let is_setting = name.as_encoded_bytes().starts_with(b"SIGNUP_");
        if is_setting
            || ["DATABASE_URL", "DATABASE_URL_FILE", "REDIS_URL", "REDIS_URL_FILE"].iter().any(|other| name == *other)
        {
            command.env_remove(name);
        }
    }
    command.envs(UNLIMITED)
}
