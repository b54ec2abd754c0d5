//! The database that the settings name, as the rest of the program sees it.

use std::path::Path;
use std::sync::Arc;

use accounts::{Accounts, Sessions, SigningKeys, Users};
use anyhow::{Context, Error, anyhow};
use auditor::Evidence;
use saga::store::Filter;
use saga::{Backlog, Clock, Fleet, Store, SystemClock};
use signup::statistics::Statistics;
use signup::{HashKey, Operators, Purpose, Replays, Sealer, SignUp};
use store::postgres::{Crowd, Database as Server};
use store::{Postgres, Sqlite, Unready, postgres, sqlite};
use tracing::{debug, info, warn};

use crate::config::{Config, Flags, Secret, Setting, settings};
use crate::data_dir::{ADVICE, DataDir};
use crate::patience::outlast;

/// An open database.
pub(crate) struct Database {
    /// The sagas.
    pub(crate) store: Arc<dyn Store<SignUp>>,
    /// Knows requests again.
    pub(crate) replays: Arc<dyn Replays>,
    /// What waits for a worker.
    pub(crate) backlog: Arc<dyn Backlog>,
    /// Who may operate on them.
    pub(crate) operators: Arc<dyn Operators>,
    /// Who is signed in.
    pub(crate) sessions: Arc<dyn Sessions>,
    /// Users, and what they sign in with.
    pub(crate) accounts: Arc<dyn Accounts>,
    /// Users, as operators see them.
    pub(crate) users: Arc<dyn Users>,
    /// What access tokens are signed with.
    pub(crate) signing_keys: Arc<dyn SigningKeys>,
    /// What all processes have counted.
    pub(crate) statistics: Arc<dyn Statistics>,
    /// What auditors read, and what they have found.
    pub(crate) evidence: Arc<dyn Evidence>,
    /// The processes that work on them.
    pub(crate) fleet: Arc<dyn Fleet>,
    /// Whether nobody has signed up yet.
    pub(crate) is_new: bool,
    /// Where it is, for a person to read.
    pub(crate) place: String,
    opened: Opened,
}

/// Tells whether a database can be worked with right now.
pub(crate) struct Pulse(Opened);

/// A key that all processes on a server must have the same of.
pub(crate) enum Shared<'k> {
    /// Either half of the one that passwords are sealed with, and the setting that it was given by.
    Seal(&'static Setting, &'k Sealer),
    /// The one that keys hashes.
    Hash(&'k HashKey),
}

#[derive(Clone)]
enum Opened {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

impl Database {
    /// Opens the database and brings it up to date. Waits for a server that is not there yet.
    pub(crate) async fn open(config: &Config, folder: &DataDir, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        if let Some(url) = &config.database_url {
            let server = server(config, url)?;
            let migrated = server.patiently(Server::migrate).await.map_err(|error| wrong(config, &server, error))?;
            if !migrated.is_empty() {
                info!(database = server.place(), migrations = migrated.len(), "the database is up to date now");
            }
            let store = Box::pin(enter(config, &server)).await?;
            let one = Filter { limit: 1, ..Filter::default() };
            let first = outlast(async || Store::list(&store, &one).await).await;
            let is_new = first.context("cannot read the database")?.is_empty();
            return Ok(Self::over(store.clone(), Opened::Postgres(store), is_new, server.place()));
        }
        let file = folder.database()?;
        let store = Sqlite::open(&file.path, clock).await.map_err(|error| wrong_file(&file.path, error))?;
        let place = file.path.display().to_string();
        Ok(Self::over(store.clone(), Opened::Sqlite(store), file.is_new, place))
    }

    /// Opens the database that the processes of a cluster share: waits for a server that is not there yet, and leaves
    /// its schema as it is.
    pub(crate) async fn join(config: &Config, url: &Secret) -> anyhow::Result<Self> {
        let server = server(config, url)?;
        let store = Box::pin(enter(config, &server)).await?;
        Ok(Self::over(store.clone(), Opened::Postgres(store), false, server.place()))
    }

    /// Does something in a database that is there and up to date, beside the processes that work on it.
    pub(crate) async fn visited<T>(
        flags: &Flags,
        work: impl AsyncFnOnce(&Config, &Self) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let config = Config::load(flags)?;
        let database = Self::visit(&config, Arc::new(SystemClock)).await?;
        let done = work(&config, &database).await;
        database.close().await;
        done
    }

    async fn visit(config: &Config, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        if let Some(url) = &config.database_url {
            let server = server(config, url)?;
            let store = server.open().await.map_err(|error| wrong(config, &server, error))?;
            return Ok(Self::over(store.clone(), Opened::Postgres(store), false, server.place()));
        }
        let file = config.data_dir.join("signup.db");
        let place = file.display().to_string();
        if !file.exists() {
            return Err(anyhow!("there is no database {place}: start `signup serve` first, or give its --data-dir"));
        }
        let store = Sqlite::visit(&file, clock).await.map_err(|error| wrong_file(&file, error))?;
        Ok(Self::over(store.clone(), Opened::Sqlite(store), false, place))
    }

    fn over<D>(database: D, opened: Opened, is_new: bool, place: String) -> Self
    where
        D: Store<SignUp>
            + Replays
            + Backlog
            + Operators
            + Sessions
            + Accounts
            + Users
            + SigningKeys
            + Evidence
            + Statistics
            + Fleet,
    {
        let database = Arc::new(database);
        Self {
            store: Arc::<D>::clone(&database),
            replays: Arc::<D>::clone(&database),
            backlog: Arc::<D>::clone(&database),
            operators: Arc::<D>::clone(&database),
            sessions: Arc::<D>::clone(&database),
            accounts: Arc::<D>::clone(&database),
            users: Arc::<D>::clone(&database),
            signing_keys: Arc::<D>::clone(&database),
            statistics: Arc::<D>::clone(&database),
            evidence: Arc::<D>::clone(&database),
            fleet: database,
            is_new,
            place,
            opened,
        }
    }

    /// What kind of database it is.
    pub(crate) fn kind(&self) -> &'static str {
        match self.opened {
            Opened::Sqlite(_) => "SQLite",
            Opened::Postgres(_) => "PostgreSQL",
        }
    }

    /// Whether it is a file in the data folder.
    pub(crate) fn is_file(&self) -> bool {
        match self.opened {
            Opened::Sqlite(_) => true,
            Opened::Postgres(_) => false,
        }
    }

    /// Holds that the other processes on a server have the same keys: with others, this one could neither open what
    /// they have sealed nor recognise their requests. A file has no other processes.
    pub(crate) async fn agree_on(&self, config: &Config, keys: &[Shared<'_>]) -> anyhow::Result<()> {
        let Opened::Postgres(server) = &self.opened else { return Ok(()) };
        for key in keys {
            let (name, setting, digest) = match key {
                Shared::Seal(setting, sealer) => ("seal", *setting, sealer.public_key()),
                Shared::Hash(key) => ("hash", &settings::HASH_KEY, key.mac(Purpose::KeyCheck, &[]).0),
            };
            let agrees = outlast(async || server.agrees_on(name, digest).await).await;
            if !agrees.context("cannot read the database")? {
                let what = format!(
                    "it is not the key that the database's other processes have; give them all the same, as \
                     `signup keys init` prints them, or copy {name}.key from the data folder of the first"
                );
                return Err(config.error(setting, &what).into());
            }
        }
        Ok(())
    }

    /// What tells whether it can be worked with right now.
    pub(crate) fn pulse(&self) -> Pulse {
        Pulse(self.opened.clone())
    }

    /// Goes on with what was under way. A process that is alone with its file knows that whoever held a lease is gone;
    /// on a server there may be others, and leases run out.
    pub(crate) async fn go_on(&self) -> anyhow::Result<()> {
        match &self.opened {
            Opened::Sqlite(_) => {
                let released = self.store.release_leases().await.context("cannot go on with what was under way")?;
                if released > 0 {
                    info!(sagas = released, "leases of the last run released");
                }
            }
            Opened::Postgres(_) => {}
        }
        Ok(())
    }

    /// Writes what is queued, and closes it.
    pub(crate) async fn close(self) {
        match self.opened {
            Opened::Sqlite(database) => database.close().await,
            Opened::Postgres(database) => database.close().await,
        }
    }
}

impl Pulse {
    pub(crate) async fn ready(&self) -> Result<(), Unready> {
        match &self.0 {
            Opened::Sqlite(database) => database.ready().await,
            Opened::Postgres(database) => database.ready().await,
        }
    }
}

/// The PostgreSQL server that the settings name.
pub(crate) fn server(config: &Config, url: &Secret) -> anyhow::Result<Server> {
    Server::new(url.reveal(), config.database_connections)
        .map_err(|error| config.error(&settings::DATABASE_URL, &error.to_string()).into())
}

/// Opens it for a process that stays, as soon as it is there.
async fn enter(config: &Config, server: &Server) -> anyhow::Result<Postgres> {
    let store = server.patiently(Server::open).await.map_err(|error| wrong(config, server, error))?;
    match store.crowd(config.database_connections).await {
        Ok(None) => {}
        Ok(Some(Crowd { processes, connections, room })) => warn!(
            processes,
            connections,
            room,
            "the server may run out of connections; raise its max_connections, or lower --database-connections"
        ),
        Err(error) => debug!(%error, "not known how much room there is for connections"),
    }
    Ok(store)
}

/// What is wrong with a server, in one line. Where its URL is to blame, so is the setting.
pub(crate) fn wrong(config: &Config, server: &Server, error: postgres::OpenError) -> Error {
    match error {
        postgres::OpenError::Url(_) | postgres::OpenError::Denied(_) | postgres::OpenError::Tls(_) => {
            config.error(&settings::DATABASE_URL, &format!("{}: {error}", server.place())).into()
        }
        error => Error::new(error).context(format!("cannot use the database {}", server.place())),
    }
}

/// What is wrong with a file, in one line.
fn wrong_file(file: &Path, error: sqlite::OpenError) -> Error {
    let shown = file.display();
    match error {
        // SQLite's own words do not say what to do.
        sqlite::OpenError::Io(said) => anyhow!("cannot open the database {shown}; {ADVICE}: {said}"),
        error @ (sqlite::OpenError::TooNew { .. }
        | sqlite::OpenError::Behind { .. }
        | sqlite::OpenError::Foreign(_)
        | sqlite::OpenError::Broken) => Error::new(error).context(format!("cannot open the database {shown}")),
    }
}
