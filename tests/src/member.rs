//! A process of a cluster.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use anyhow::{Context, ensure};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::process::{CHEAP, STOP, unconfigured};
use crate::{Client, binary, eventually};

/// A running `signup api` or `signup worker`. It dies with this value, and with the test's process.
#[derive(Debug)]
pub struct Member {
    child: Child,
    log: PathBuf,
}

impl Member {
    /// Starts a process in this role, on free ports; what it logs goes to a file. It may well not be ready yet.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn spawn(role: &str, log: &Path, environment: &[(&str, &str)]) -> anyhow::Result<Self> {
        let free = ["SIGNUP_LISTEN", "SIGNUP_HEALTH_LISTEN"].map(|name| (name, "127.0.0.1:0"));
        Self::run(&[role], log, &[&free[..], &[CHEAP], environment].concat()).await
    }

    /// Starts the binary with these arguments and settings, and no others.
    pub(crate) async fn run(arguments: &[&str], log: &Path, environment: &[(&str, &str)]) -> anyhow::Result<Self> {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).arg(binary().await?).args(arguments);
        unconfigured(&mut command).envs(environment.iter().copied());
        let file = OpenOptions::new().create(true).append(true).open(log)?;
        let child = command.stdout(Stdio::null()).stderr(file).kill_on_drop(true).spawn()?;
        Ok(Self { child, log: log.to_owned() })
    }

    /// Waits until it logs this.
    ///
    /// # Errors
    /// If it does not in time.
    pub async fn says(&self, text: &str) -> anyhow::Result<()> {
        let said = || async { self.log().ok().filter(|log| log.contains(text)) };
        eventually(text, said).await.map(drop).with_context(|| self.log().unwrap_or_default())
    }

    /// Where it answers: its API, or its health alone.
    ///
    /// # Errors
    /// If it does not say so in time.
    pub async fn url(&self) -> anyhow::Result<String> {
        self.says("starting: ").await?;
        let log = self.log()?;
        let mut words = log.split_whitespace();
        let address = words.find_map(|word| word.strip_prefix("address=").or(word.strip_prefix("health_at=")));
        Ok(format!("http://{}", address.context("it does not say where it answers")?))
    }

    /// A client of it.
    ///
    /// # Errors
    /// If it does not say where it answers.
    pub async fn client(&self) -> anyhow::Result<Client> {
        Ok(Client::new(&self.url().await?))
    }

    /// All that it has logged.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn log(&self) -> anyhow::Result<String> {
        Ok(fs::read_to_string(&self.log)?)
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

    /// SIGTERM.
    ///
    /// # Errors
    /// If it has ended already.
    pub async fn ask_to_stop(&self) -> anyhow::Result<()> {
        self.signal("TERM").await
    }

    /// Stops the process where it is: it keeps all that it has, and does nothing.
    ///
    /// # Errors
    /// If it has ended already.
    pub async fn pause(&self) -> anyhow::Result<()> {
        self.signal("STOP").await
    }

    /// Lets it go on after [`Member::pause`].
    ///
    /// # Errors
    /// If it has ended already.
    pub async fn resume(&self) -> anyhow::Result<()> {
        self.signal("CONT").await
    }

    async fn signal(&self, name: &str) -> anyhow::Result<()> {
        let pid = self.child.id().context("it has ended already")?.to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status().await?;
        ensure!(sent.success(), "SIG{name} was not sent");
        Ok(())
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// If that cannot be known.
    pub fn has_ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// If it does not come in time.
    pub async fn ended(&mut self) -> anyhow::Result<ExitStatus> {
        Ok(timeout(STOP, self.child.wait()).await.context("it did not end")??)
    }
}
