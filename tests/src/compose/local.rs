//! The services of docker-compose.yml as processes of this machine.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use servers::{Durability, Postgres, Redis, RedisOptions};

use super::{Compose, Service};
use crate::{Member, run_with};

/// The services as processes: the commands and environments that containers would have, on private servers.
///
/// Addresses alone differ: containers have names and ports of their own, and processes share a machine.
#[derive(Debug)]
pub struct Local {
    /// `api`.
    pub api: Member,
    /// `worker`, so many times.
    pub workers: Vec<Member>,
    checks: Vec<Vec<String>>,
    _postgres: Postgres,
    _redis: Redis,
}

/// Where the services' servers are instead.
struct Addresses([(&'static str, String); 2]);

impl Local {
    /// Starts them in their order, with this many workers; ready when this returns. Logs go to a folder.
    ///
    /// # Errors
    /// If one does not start, or if docker-compose.yml has something that this does not know how to run.
    pub async fn up(compose: &Compose, workers: usize, folder: &Path) -> anyhow::Result<Self> {
        let (database, queue) = (Database::of(compose.service("postgres")?)?, options(compose.service("redis")?)?);
        let started = tokio::task::spawn_blocking(move || anyhow::Ok((database.start()?, Redis::start(&queue)?)));
        let (postgres, redis) = started.await??;
        let addresses = Addresses([
            ("postgres:5432", format!("127.0.0.1:{}", postgres.port())),
            ("redis:6379", format!("127.0.0.1:{}", redis.port())),
        ]);

        let migrate = compose.service("migrate")?;
        let environment = addresses.environment(migrate);
        let environment: Vec<_> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let output = run_with(&migrate.command(), &environment).await?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

        let log = |name: &str| folder.join(format!("{name}.log"));
        let service = compose.service("api")?;
        let api = addresses.start(service, log("api")).await?;
        let mut checks = vec![check(service, &api).await?];
        let service = compose.service("worker")?;
        let mut members = Vec::new();
        for number in 1..=workers {
            let worker = addresses.start(service, log(&format!("worker{number}"))).await?;
            checks.push(check(service, &worker).await?);
            members.push(worker);
        }
        Ok(Self { api, workers: members, checks, _postgres: postgres, _redis: redis })
    }

    /// Runs every health check: what they say that do not find their process well.
    ///
    /// # Errors
    /// If one cannot be run.
    pub async fn unwell(&self) -> anyhow::Result<Vec<String>> {
        let mut unwell = Vec::new();
        for check in &self.checks {
            let words: Vec<_> = check.iter().map(String::as_str).collect();
            let output = run_with(&words, &[]).await?;
            if !output.status.success() {
                unwell.push(String::from_utf8_lossy(&output.stderr).into_owned());
            }
        }
        Ok(unwell)
    }

    /// SIGTERM to each, and waits for their ends.
    ///
    /// # Errors
    /// If one does not end well.
    pub async fn down(self) -> anyhow::Result<()> {
        let mut members: Vec<_> = std::iter::once(self.api).chain(self.workers).collect();
        for member in &members {
            member.ask_to_stop().await?;
        }
        for member in &mut members {
            let status = member.ended().await?;
            ensure!(status.success(), "{status}: {}", member.log()?);
        }
        Ok(())
    }
}

impl Addresses {
    async fn start(&self, service: Service<'_>, log: PathBuf) -> anyhow::Result<Member> {
        let environment = self.environment(service);
        let environment: Vec<_> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let member = Member::run(&service.command(), &log, &environment).await?;
        member.says(" started").await?;
        Ok(member)
    }

    /// A service's environment, with addresses of this machine.
    fn environment<'c>(&self, service: Service<'c>) -> Vec<(&'c str, String)> {
        let here = |(name, value): (&'c str, &'c str)| match name {
            "SIGNUP_LISTEN" | "SIGNUP_HEALTH_LISTEN" => (name, "127.0.0.1:0".to_owned()),
            _ => (name, self.0.iter().fold(value.to_owned(), |value, (there, here)| value.replace(there, here))),
        };
        service.environment().into_iter().map(here).collect()
    }
}

/// The health check of a service, against one of its processes: what follows the binary, and the URL it answers at.
async fn check(service: Service<'_>, member: &Member) -> anyhow::Result<Vec<String>> {
    let words = service.health_check();
    let (Some((binary, arguments)), url) = (words.split_first(), member.url().await?) else {
        anyhow::bail!("no health check")
    };
    ensure!(binary.ends_with("/signup"), "{binary} is not in the image");
    let here = |word: &&str| if word.starts_with("http://") { url.clone() } else { (*word).to_owned() };
    Ok(arguments.iter().map(here).collect())
}

/// The database of the service `postgres`.
struct Database {
    user: String,
    password: String,
    name: String,
}

impl Database {
    fn of(service: Service<'_>) -> anyhow::Result<Self> {
        let environment = service.environment();
        let get = |name: &'static str| environment.get(name).map(ToString::to_string).context(name);
        Ok(Self { user: get("POSTGRES_USER")?, password: get("POSTGRES_PASSWORD")?, name: get("POSTGRES_DB")? })
    }

    fn start(&self) -> anyhow::Result<Postgres> {
        let Self { user, password, name } = self;
        let machine = Postgres::start(Durability::None)?;
        machine.ask("postgres", &format!("CREATE ROLE {user} LOGIN PASSWORD '{password}'"))?;
        machine.ask("postgres", &format!("CREATE DATABASE {name} OWNER {user}"))?;
        Ok(machine)
    }
}

/// The settings of the service `redis`.
fn options(service: Service<'_>) -> anyhow::Result<RedisOptions> {
    let words = service.command();
    let get = |name: &str| {
        let value = words.iter().skip_while(|word| **word != name).nth(1);
        value.copied().with_context(|| format!("redis is not told {name}"))
    };
    let memory = get("--maxmemory")?;
    let megabytes: u64 = memory.trim_end_matches("mb").parse().with_context(|| format!("--maxmemory {memory}"))?;
    ensure!(get("--maxmemory-policy")? == "noeviction", "another policy than noeviction");
    Ok(RedisOptions {
        append_only: get("--appendonly")? == "yes",
        max_memory: megabytes << 20,
        policy: "noeviction",
        ..RedisOptions::default()
    })
}
