//! A private Redis server: its life. What it can be told while it lives is in [`commands`].

mod commands;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

use crate::keeper::Kept;
use crate::resp::Connection;
use crate::start::{on_free_port, until};

/// What a Redis server is started with.
#[derive(Debug, Clone)]
pub struct RedisOptions {
    /// Whether it writes what it is told to a file before it answers: it survives [`Redis::kill`] then, and is empty
    /// after one otherwise.
    pub append_only: bool,
    /// Whether it never rewrites that file: all that it was ever told is in it.
    pub keeps_all: bool,
    /// How many bytes it may hold; 0 for as many as there are.
    pub max_memory: u64,
    /// What it does once it holds them: `noeviction`, `allkeys-lru` or another of Redis' names.
    pub policy: &'static str,
    /// What whoever connects must know; nothing if there is none.
    pub password: Option<String>,
}

impl Default for RedisOptions {
    fn default() -> Self {
        Self { append_only: false, keeps_all: false, max_memory: 0, policy: "noeviction", password: None }
    }
}

/// The folder in its own where it writes what it is told.
const STORED: &str = "appendonlydir";

/// A running Redis server.
#[derive(Debug)]
pub struct Redis {
    port: u16,
    folder: PathBuf,
    password: Option<String>,
    kept: Kept,
}

impl Redis {
    /// Starts one; ready when this returns.
    ///
    /// # Errors
    /// If `redis-server` is missing, or does not start.
    pub fn start(options: &RedisOptions) -> anyhow::Result<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let there = std::env::split_paths(&path).any(|folder| folder.join("redis-server").exists());
        ensure!(there, "redis-server is missing; install Debian's package `redis-server`, or put it in the path");
        on_free_port(|port| Self::start_on(port, options)).context("Redis does not start")
    }

    /// Its URL, with the password if there is one.
    pub fn url(&self) -> String {
        let password = self.password.as_ref().map(|password| format!(":{password}@"));
        format!("redis://{}127.0.0.1:{}", password.unwrap_or_default(), self.port)
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

    /// Kills it without a word to anybody.
    ///
    /// # Errors
    /// If there is no answer.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.kept.tell("kill")
    }

    /// Starts it again after [`Redis::kill`], on the same port, with what it has stored; ready when this returns.
    ///
    /// # Errors
    /// If it does not start.
    pub fn revive(&mut self) -> anyhow::Result<()> {
        let logged = self.log()?.len();
        self.kept.tell("start")?;
        self.wait(logged)
    }

    /// As [`Redis::revive`], with nothing of what it has stored, which remains in its folder.
    ///
    /// # Errors
    /// If it does not start.
    pub fn revive_empty(&mut self) -> anyhow::Result<()> {
        let stored = self.folder.join(STORED);
        if stored.exists() {
            let aside = tempfile::Builder::new().prefix(&format!("{STORED}-")).tempdir_in(&self.folder)?.keep();
            fs::rename(&stored, aside)?;
        }
        self.revive()
    }

    /// Stops its process: it still takes connections, and answers nobody.
    ///
    /// # Errors
    /// If there is no answer.
    pub fn pause(&mut self) -> anyhow::Result<()> {
        self.kept.tell("stop")
    }

    /// Continues it after [`Redis::pause`]: it answers what it was asked meanwhile.
    ///
    /// # Errors
    /// If there is no answer.
    pub fn resume(&mut self) -> anyhow::Result<()> {
        self.kept.tell("continue")
    }

    fn connect(&self) -> anyhow::Result<Connection> {
        Connection::open(self.port, self.password.as_deref())
    }

    fn start_on(port: u16, options: &RedisOptions) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("signup-redis-").tempdir()?.keep();
        let (port_text, max_memory) = (port.to_string(), options.max_memory.to_string());
        let mut command = vec!["redis-server", "--port", &port_text, "--bind", "127.0.0.1", "--save", ""];
        let shown = folder.display().to_string();
        command.extend(["--dir", &shown, "--maxmemory", &max_memory, "--maxmemory-policy", options.policy]);
        command.extend(["--appendonly", if options.append_only { "yes" } else { "no" }]);
        if options.keeps_all {
            command.extend(["--auto-aof-rewrite-percentage", "0"]);
        }
        // For `stall`.
        command.extend(["--enable-debug-command", "yes"]);
        if let Some(password) = &options.password {
            command.extend(["--requirepass", password]);
        }
        // There is nothing to save at the end.
        let kept = Kept::start(&folder, "KILL", &command)?;
        let server = Self { port, folder, password: options.password.clone(), kept };
        server.wait(0)?;
        Ok(server)
    }

    /// Waits for its own word in its log, from there on: another server may be on the port.
    fn wait(&self, logged: usize) -> anyhow::Result<()> {
        until("Redis is ready", || {
            let log = self.log().unwrap_or_default();
            let log = log.get(logged..).unwrap_or_default();
            let failed = ["Failed listening", "FATAL CONFIG FILE ERROR", "Fatal error", "Bad file format", "not found"];
            ensure!(!failed.iter().any(|word| log.contains(word)), "{log}");
            Ok(log.contains("Ready to accept connections").then_some(()))
        })
    }
}
