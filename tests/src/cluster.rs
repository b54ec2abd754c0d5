//! The product as many processes: `signup api` and `signup worker` on one PostgreSQL database, with a Redis.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, ensure};
use serde_json::Value;
use tempfile::TempDir;

use crate::{Member, run, run_with};

/// Where people reach a cluster, for all that it knows: its processes listen wherever there is room.
const ORIGIN: (&str, &str) = ("SIGNUP_ORIGIN", "https://signup.example.com");

/// What the processes of a cluster share, and a folder for their logs.
#[derive(Debug)]
pub struct Cluster {
    /// Of the database.
    pub url: String,
    redis: String,
    /// As `signup keys init` prints them.
    keys: Vec<(String, String)>,
    /// In the environment of every process, besides.
    also: Vec<(String, String)>,
    folder: TempDir,
    /// How many operators have asked an API.
    operators: AtomicUsize,
}

impl Cluster {
    /// On a database that is not migrated, and without a Redis: nobody listens where it should be.
    ///
    /// # Errors
    /// If no keys can be made.
    pub async fn on(url: &str) -> anyhow::Result<Self> {
        Self::with_redis(url, "redis://127.0.0.1:1").await
    }

    /// On a database that is not migrated.
    ///
    /// # Errors
    /// If no keys can be made.
    pub async fn with_redis(url: &str, redis: &str) -> anyhow::Result<Self> {
        let printed = String::from_utf8(run(&["keys", "init"]).await?.stdout)?;
        let pairs = printed.lines().filter_map(|line| line.split_once('='));
        let keys = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let (url, redis, folder) = (url.to_owned(), redis.to_owned(), tempfile::tempdir()?);
        Ok(Self { url, redis, keys, also: Vec::new(), folder, operators: AtomicUsize::new(0) })
    }

    /// With these in the environment of every process.
    #[must_use]
    pub fn telling(mut self, variables: &[(&str, &str)]) -> Self {
        self.also.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self
    }

    /// Migrates the database.
    ///
    /// # Errors
    /// If it cannot be.
    pub async fn migrate(&self) -> anyhow::Result<()> {
        let output = run_with(&["migrate"], &[("DATABASE_URL", &*self.url)]).await?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    /// What a process in this role is told: the settings and keys that it needs, and no others.
    pub fn told(&self, role: &str) -> Vec<(&str, &str)> {
        let servers = [("DATABASE_URL", &*self.url), ("REDIS_URL", &*self.redis)];
        let origin: &[_] = if role == "worker" { &[] } else { &[ORIGIN] };
        let needed: &[_] = match role {
            "api" => &["SIGNUP_SEAL_PUBLIC_KEY", "SIGNUP_HASH_KEY", "SIGNUP_MASTER_KEY"],
            "serve" => &["SIGNUP_SEAL_PRIVATE_KEY", "SIGNUP_HASH_KEY", "SIGNUP_MASTER_KEY"],
            _ => &["SIGNUP_SEAL_PRIVATE_KEY"],
        };
        let keys = self.keys.iter().filter(|(name, _)| needed.contains(&name.as_str()));
        let pairs = keys.chain(&self.also).map(|(name, value)| (name.as_str(), value.as_str()));
        servers.into_iter().chain(origin.iter().copied()).chain(pairs).collect()
    }

    /// Where the process of this name logs.
    pub fn log(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.log"))
    }

    /// Where whatever belongs to the cluster may be put.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts a process, and does not wait until it is ready.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn spawn(&self, role: &str, name: &str) -> anyhow::Result<Member> {
        self.spawn_with(role, name, &[]).await
    }

    /// As [`Cluster::spawn`], with these in its environment.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn spawn_with(&self, role: &str, name: &str, variables: &[(&str, &str)]) -> anyhow::Result<Member> {
        Member::spawn(role, &self.log(name), &[&self.told(role)[..], variables].concat()).await
    }

    /// Starts a process; ready when this returns.
    ///
    /// # Errors
    /// If it does not start, or is not ready in time.
    pub async fn start(&self, role: &str, name: &str) -> anyhow::Result<Member> {
        self.start_with(role, name, &[]).await
    }

    /// As [`Cluster::start`], with these in its environment.
    ///
    /// # Errors
    /// If it does not start, or is not ready in time.
    pub async fn start_with(&self, role: &str, name: &str, variables: &[(&str, &str)]) -> anyhow::Result<Member> {
        let member = self.spawn_with(role, name, variables).await?;
        member.says(" started").await.map(|()| member)
    }

    /// Makes an operator of this name: their token.
    ///
    /// # Errors
    /// If there is one of this name.
    pub async fn add_operator(&self, name: &str) -> anyhow::Result<String> {
        let added = run_with(&["operator", "add", name, "--json"], &[("DATABASE_URL", &*self.url)]).await?;
        let added: Value = serde_json::from_slice(&added.stdout).with_context(|| format!("{added:?}"))?;
        Ok(added.get("token").and_then(Value::as_str).context("no token")?.to_owned())
    }

    /// Lets an operator ask the API: what the command printed.
    ///
    /// # Errors
    /// If the command fails.
    pub async fn operate(&self, api: &Member, arguments: &[&str]) -> anyhow::Result<String> {
        let number = self.operators.fetch_add(1, Ordering::Relaxed);
        let token = self.add_operator(&format!("operator{number}")).await?;
        let environment = [("SIGNUP_URL", &*api.url().await?), ("SIGNUP_OPERATOR_TOKEN", &*token)];
        let output = run_with(arguments, &environment).await?;
        ensure!(output.status.success(), "{output:?}");
        Ok(String::from_utf8(output.stdout)?)
    }
}
