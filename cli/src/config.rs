//! Settings: from defaults, a file, the environment and flags, each stronger than the one before.
//!
//! [`Config`] is what the program goes by. [`settings::ALL`] is the list that everything else is made from: flags,
//! variables, keys of the file, `signup config`, and the table in docs/configuration.md. A command that needs the
//! settings flattens [`Flags`] into its arguments and calls [`Config::load`].

mod environment;
mod error;
mod file;
mod flags;
mod layers;
mod log_filter;
mod nearest;
mod own_origin;
#[cfg(test)]
mod page;
mod place;
mod secret;
mod setting;
pub(crate) mod settings;
mod show;
mod values;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use api::{AllowedOrigins, Quotas, TrustedProxies};
use signup::{Cost, Duplicates, Sealer};

use crate::key::Key;
use environment::Environment;
use layers::Layers;

pub(crate) use error::Error;
pub(crate) use flags::Flags;
pub(crate) use layers::Origin;
pub(crate) use log_filter::LogFilter;
pub(crate) use own_origin::OwnOrigin;
pub(crate) use secret::{Secret, open_to_others};
pub(crate) use setting::Setting;
pub(crate) use show::Show;
pub(crate) use values::LogFormat;

/// The effective settings. What each means to a person is said in [`settings`].
#[derive(Debug)]
pub(crate) struct Config {
    /// Where to listen.
    pub(crate) listen: SocketAddr,
    /// Under which URL people reach the service. Without it, under the address where it listens.
    pub(crate) origin: Option<OwnOrigin>,
    /// Where a process that serves nothing else tells whether it is well, if anywhere.
    pub(crate) health_listen: Option<SocketAddr>,
    /// The most connections from clients.
    pub(crate) connections: usize,
    /// How long requests are still taken once the process is to stop and says so.
    pub(crate) drain: Duration,
    /// Where the SQLite database and the generated keys are.
    pub(crate) data_dir: PathBuf,
    /// Where the PostgreSQL database is: a URL that begins with `postgres://` or `postgresql://`. Without it, the
    /// database is SQLite in the data folder.
    pub(crate) database_url: Option<Secret>,
    /// The most connections of this process to PostgreSQL.
    pub(crate) database_connections: u32,
    /// Where the Redis server of a cluster is: a URL that begins with `redis://` or `rediss://`.
    pub(crate) redis_url: Option<Secret>,
    /// How many sign-ups may be asked for.
    pub(crate) quotas: Quotas,
    /// What becomes of a sign-up whose e-mail is known.
    pub(crate) duplicate_email: Duplicates,
    /// Who is believed where they say for whom they ask.
    pub(crate) trusted_proxies: TrustedProxies,
    /// The pages that may ask from a browser.
    pub(crate) allowed_origins: AllowedOrigins,
    /// What is logged.
    pub(crate) log: LogFilter,
    /// How it is logged.
    pub(crate) log_format: LogFormat,
    /// What one password hash costs.
    pub(crate) argon2: Cost,
    /// Seals passwords: all that a process needs which accepts sign-ups and runs none.
    pub(crate) seal_public_key: Option<Sealer>,
    /// Opens sealed passwords. Without it, the key in the data folder does.
    pub(crate) seal_private_key: Option<Key>,
    /// Keys the keyed hashes. Without it, the key in the data folder does.
    pub(crate) hash_key: Option<Key>,
    /// Seals signing keys. Without it, the key in the data folder does.
    pub(crate) master_key: Option<Key>,
    /// Where each setting comes from, in the order of [`settings::ALL`].
    pub(crate) origins: Vec<Origin>,
    /// What an operator should hear about, once there is a log.
    pub(crate) warnings: Vec<String>,
}

impl Config {
    /// The settings of this process.
    ///
    /// # Errors
    /// Says in one line what is wrong with which setting, and what a good value is.
    pub(crate) fn load(flags: &Flags) -> Result<Self, Error> {
        Self::of(flags, &Environment::of_process())
    }

    /// The settings of a process with these variables.
    #[cfg(test)]
    pub(crate) fn of_variables(variables: &[(&str, &str)]) -> Result<Self, Error> {
        let variables = variables.iter().map(|(name, value)| (name.into(), value.into()));
        Self::of(&Flags::default(), &Environment::new(variables))
    }

    /// What is wrong with the value of a setting, as only its use shows.
    pub(crate) fn error(&self, setting: &Setting, what: &str) -> Error {
        let origin = self.origins.iter().find(|origin| origin.setting.key == setting.key);
        match origin.and_then(|origin| origin.place.as_ref()) {
            Some(place) => Error::at(place, what),
            None => Error::new(format!("`{}`: {what}", setting.variable)),
        }
    }

    fn of(flags: &Flags, environment: &Environment) -> Result<Self, Error> {
        let mut layers = Layers::read(flags, environment)?;
        Ok(Self {
            listen: layers.value(&settings::LISTEN, values::listen)?,
            origin: layers.optional(&settings::ORIGIN, values::own_origin)?,
            health_listen: layers.value(&settings::HEALTH_LISTEN, values::listen_or_off)?,
            connections: layers.value(&settings::CONNECTIONS, values::open_connections)?,
            drain: layers.value(&settings::DRAIN, values::drain)?,
            data_dir: layers.value(&settings::DATA_DIR, values::folder)?,
            database_url: layers.optional(&settings::DATABASE_URL, values::database_url)?,
            database_connections: layers.value(&settings::DATABASE_CONNECTIONS, values::connections)?,
            redis_url: layers.optional(&settings::REDIS_URL, values::redis_url)?,
            quotas: Quotas {
                address: layers.value(&settings::ADDRESS_LIMIT, values::limit)?,
                email: layers.value(&settings::EMAIL_LIMIT, values::limit)?,
            },
            duplicate_email: layers.value(&settings::DUPLICATE_EMAIL, values::duplicate_email)?,
            trusted_proxies: layers.optional(&settings::TRUSTED_PROXIES, values::proxies)?.unwrap_or_default(),
            allowed_origins: layers.optional(&settings::ALLOWED_ORIGINS, values::origins)?.unwrap_or_default(),
            log: layers.value(&settings::LOG, LogFilter::parse)?,
            log_format: layers.value(&settings::LOG_FORMAT, LogFormat::parse)?,
            argon2: layers.value(&settings::ARGON2, values::cost)?,
            seal_public_key: layers.optional(&settings::SEAL_PUBLIC_KEY, values::public_key)?,
            seal_private_key: layers.optional(&settings::SEAL_PRIVATE_KEY, values::key)?,
            hash_key: layers.optional(&settings::HASH_KEY, values::key)?,
            master_key: layers.optional(&settings::MASTER_KEY, values::key)?,
            warnings: layers.warnings,
            origins: layers.origins,
        })
    }
}

#[cfg(test)]
mod tests;
