//! The database that the settings name, as the rest of the program sees it.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Error, anyhow};
use saga::store::Filter;
use saga::{Clock, Fleet, Store};
use signup::{Operators, SignUp};
use store::postgres::Database as Server;
use store::{Postgres, Sqlite, postgres, sqlite};
use tracing::info;

use crate::config::{Config, Secret, settings};
use crate::data_dir::{ADVICE, DataDir};

/// An open database.
pub(crate) struct Database {
    /// The sagas.
    pub(crate) store: Arc<dyn Store<SignUp>>,
    /// Who may operate on them.
    pub(crate) operators: Arc<dyn Operators>,
    /// The processes that work on them.
    pub(crate) fleet: Arc<dyn Fleet>,
    /// Whether nobody has signed up yet.
    pub(crate) is_new: bool,
    /// Where it is, for a person to read.
    pub(crate) place: String,
    opened: Opened,
}

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
            let store = server.patiently(Server::open).await.map_err(|error| wrong(config, &server, error))?;
            let first = store.list(&Filter { limit: 1, ..Filter::default() }).await;
            let is_new = first.context("cannot read the database")?.is_empty();
            return Ok(Self::over(store.clone(), Opened::Postgres(store), is_new, server.place()));
        }
        let file = folder.database()?;
        let store = open_file(&file.path, clock).await?;
        let place = file.path.display().to_string();
        Ok(Self::over(store.clone(), Opened::Sqlite(store), file.is_new, place))
    }

    /// Opens a database that is there and up to date, beside the processes that work on it.
    pub(crate) async fn visit(config: &Config, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
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
        let store = open_file(&file, clock).await?;
        Ok(Self::over(store.clone(), Opened::Sqlite(store), false, place))
    }

    fn over<D>(database: D, opened: Opened, is_new: bool, place: String) -> Self
    where
        D: Store<SignUp> + Operators + Fleet + Clone,
    {
        let (store, operators) = (Arc::new(database.clone()), Arc::new(database.clone()));
        Self { store, operators, fleet: Arc::new(database), is_new, place, opened }
    }

    /// What kind of database it is.
    pub(crate) fn kind(&self) -> &'static str {
        match self.opened {
            Opened::Sqlite(_) => "SQLite",
            Opened::Postgres(_) => "PostgreSQL",
        }
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

/// The PostgreSQL server that the settings name.
pub(crate) fn server(config: &Config, url: &Secret) -> anyhow::Result<Server> {
    Server::new(url.reveal(), config.database_connections)
        .map_err(|error| config.error(&settings::DATABASE_URL, &error.to_string()).into())
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

/// Opens a database file, makes it if it is missing, and brings it up to date.
pub(crate) async fn open_file(file: &Path, clock: Arc<dyn Clock>) -> anyhow::Result<Sqlite> {
    let shown = file.display();
    Sqlite::open(file, clock).await.map_err(|error| match error {
        // SQLite's own words do not say what to do.
        sqlite::OpenError::Io(said) => anyhow!("cannot open the database {shown}; {ADVICE}: {said}"),
        error @ (sqlite::OpenError::TooNew { .. } | sqlite::OpenError::Foreign(_) | sqlite::OpenError::Broken) => {
            Error::new(error).context(format!("cannot open the database {shown}"))
        }
    })
}
