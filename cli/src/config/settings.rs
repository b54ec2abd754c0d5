//! Every setting there is.

use super::setting::Unset::{Default, Means};
use super::setting::{Kind, Setting};

/// All of them, in the order in which they are shown.
pub(crate) static ALL: [&Setting; 21] = [
    &LISTEN,
    &ORIGIN,
    &HEALTH_LISTEN,
    &CONNECTIONS,
    &DRAIN,
    &DATA_DIR,
    &DATABASE_URL,
    &DATABASE_CONNECTIONS,
    &REDIS_URL,
    &ADDRESS_LIMIT,
    &EMAIL_LIMIT,
    &DUPLICATE_EMAIL,
    &TRUSTED_PROXIES,
    &ALLOWED_ORIGINS,
    &LOG,
    &LOG_FORMAT,
    &ARGON2,
    &SEAL_PUBLIC_KEY,
    &SEAL_PRIVATE_KEY,
    &HASH_KEY,
    &MASTER_KEY,
];

pub(crate) static LISTEN: Setting = Setting {
    key: "listen",
    variable: "SIGNUP_LISTEN",
    kind: Kind::Plain { flag: "listen" },
    value: "ADDRESS:PORT",
    unset: Default("127.0.0.1:8080"),
    meaning: "Where to listen",
};

pub(crate) static ORIGIN: Setting = Setting {
    key: "origin",
    variable: "SIGNUP_ORIGIN",
    kind: Kind::Plain { flag: "origin" },
    value: "URL",
    unset: Means("`http://` and where it listens"),
    meaning: "Under which URL people reach the service: scheme, host and port, as in `https://signup.example.com`; access \
              tokens say so (`iss` and `aud`)",
};

pub(crate) static HEALTH_LISTEN: Setting = Setting {
    key: "health_listen",
    variable: "SIGNUP_HEALTH_LISTEN",
    kind: Kind::Plain { flag: "health-listen" },
    value: "ADDRESS:PORT|off",
    unset: Default("127.0.0.1:8081"),
    meaning: "Where `signup worker` answers `/healthz`, `/readyz` and `/metrics`, or `off`",
};

pub(crate) static CONNECTIONS: Setting = Setting {
    key: "connections",
    variable: "SIGNUP_CONNECTIONS",
    kind: Kind::Plain { flag: "connections" },
    value: "N",
    unset: Default("12000"),
    meaning: "The most connections from clients, from 16 to 1000000; each is an open file, and takes about 17 KB",
};

pub(crate) static DRAIN: Setting = Setting {
    key: "drain",
    variable: "SIGNUP_DRAIN",
    kind: Kind::Plain { flag: "drain" },
    value: "SECONDS",
    unset: Default("2"),
    meaning: "How long `signup api` still takes requests when it is to stop and `/readyz` says so, from 0 to 60",
};

pub(crate) static DATA_DIR: Setting = Setting {
    key: "data_dir",
    variable: "SIGNUP_DATA_DIR",
    kind: Kind::Plain { flag: "data-dir" },
    value: "FOLDER",
    unset: Default("./data"),
    meaning: "Where the SQLite database and the generated keys are kept; made if missing",
};

pub(crate) static DATABASE_URL: Setting = Setting {
    key: "database_url",
    variable: "DATABASE_URL",
    kind: Kind::Secret,
    value: "URL",
    unset: Means("SQLite in the data folder"),
    meaning: "The PostgreSQL database: `postgres://user:password@host/database`, or several with commas between, of which \
              the one that takes writes is used",
};

pub(crate) static DATABASE_CONNECTIONS: Setting = Setting {
    key: "database_connections",
    variable: "SIGNUP_DATABASE_CONNECTIONS",
    kind: Kind::Plain { flag: "database-connections" },
    value: "N",
    unset: Default("20"),
    meaning: "The most connections of this process to PostgreSQL, from 4 to 1000",
};

pub(crate) static REDIS_URL: Setting = Setting {
    key: "redis_url",
    variable: "REDIS_URL",
    kind: Kind::Secret,
    value: "URL",
    unset: Means("none: one process, `signup serve`"),
    meaning: "The Redis server of `signup api` and `signup worker`: `redis://user:password@host:6379`",
};

pub(crate) static ADDRESS_LIMIT: Setting = Setting {
    key: "address_limit",
    variable: "SIGNUP_ADDRESS_LIMIT",
    kind: Kind::Plain { flag: "address-limit" },
    value: "N",
    unset: Default("5"),
    meaning: "How many sign-ups one client address may ask for in any minute, from 1 to 1000000",
};

pub(crate) static EMAIL_LIMIT: Setting = Setting {
    key: "email_limit",
    variable: "SIGNUP_EMAIL_LIMIT",
    kind: Kind::Plain { flag: "email-limit" },
    value: "N",
    unset: Default("10"),
    meaning: "How many sign-ups may be asked for with one e-mail in any hour, from 1 to 1000000",
};

pub(crate) static DUPLICATE_EMAIL: Setting = Setting {
    key: "duplicate_email",
    variable: "SIGNUP_DUPLICATE_EMAIL",
    kind: Kind::Plain { flag: "duplicate-email" },
    value: "reveal|private",
    unset: Default("reveal"),
    meaning: "What a sign-up is answered whose e-mail is known: `reveal` refuses it and says why, `private` answers it \
              like any other and makes nothing",
};

pub(crate) static TRUSTED_PROXIES: Setting = Setting {
    key: "trusted_proxies",
    variable: "SIGNUP_TRUSTED_PROXIES",
    kind: Kind::Plain { flag: "trusted-proxies" },
    value: "NETWORKS",
    unset: Means("none: whoever connects is the client"),
    meaning: "The proxies that are believed in `X-Forwarded-For`: networks with commas between, as in `10.0.0.0/8,fd00::/8`",
};

pub(crate) static ALLOWED_ORIGINS: Setting = Setting {
    key: "allowed_origins",
    variable: "SIGNUP_ALLOWED_ORIGINS",
    kind: Kind::Plain { flag: "allowed-origins" },
    value: "ORIGINS",
    unset: Means("none: no page of another origin"),
    meaning: "The web pages that may use the API from a browser (CORS): origins with commas between, as in \
              `https://app.example.com`",
};

pub(crate) static LOG: Setting = Setting {
    key: "log",
    variable: "SIGNUP_LOG",
    kind: Kind::Plain { flag: "log" },
    value: "FILTER",
    unset: Default("info"),
    meaning: "What to log: a level (off, error, warn, info, debug, trace), or directives such as `info,saga=debug`",
};

pub(crate) static LOG_FORMAT: Setting = Setting {
    key: "log_format",
    variable: "SIGNUP_LOG_FORMAT",
    kind: Kind::Plain { flag: "log-format" },
    value: "text|json",
    unset: Default("text"),
    meaning: "How to log: `text` for people, `json` for programs, one object a line",
};

pub(crate) static ARGON2: Setting = Setting {
    key: "argon2",
    variable: "SIGNUP_ARGON2",
    kind: Kind::Plain { flag: "argon2" },
    value: "m=KIB,t=N,p=N",
    unset: Default("m=19456,t=2,p=1"),
    meaning: "What one password hash costs (Argon2id): KiB of memory, passes, lanes; less than the default is refused",
};

pub(crate) static SEAL_PUBLIC_KEY: Setting = Setting {
    key: "seal_public_key",
    variable: "SIGNUP_SEAL_PUBLIC_KEY",
    kind: Kind::Public { flag: "seal-public-key" },
    value: "BASE64",
    unset: Means("made from the private key"),
    meaning: "Seals passwords: 32 bytes in Base64. Not a secret",
};

pub(crate) static SEAL_PRIVATE_KEY: Setting = Setting {
    key: "seal_private_key",
    variable: "SIGNUP_SEAL_PRIVATE_KEY",
    kind: Kind::Secret,
    value: "BASE64",
    unset: Means("`seal.key` in the data folder; made if missing"),
    meaning: "Opens sealed passwords: 32 bytes in Base64",
};

pub(crate) static HASH_KEY: Setting = Setting {
    key: "hash_key",
    variable: "SIGNUP_HASH_KEY",
    kind: Kind::Secret,
    value: "BASE64",
    unset: Means("`hash.key` in the data folder; made if missing"),
    meaning: "Keys the hashes of idempotency keys, and refresh tokens: 32 bytes in Base64",
};

pub(crate) static MASTER_KEY: Setting = Setting {
    key: "master_key",
    variable: "SIGNUP_MASTER_KEY",
    kind: Kind::Secret,
    value: "BASE64",
    unset: Means("`master.key` in the data folder; made if missing"),
    meaning: "Seals the keys in the database that sign access tokens: 32 bytes in Base64",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_has_one_name_in_three_spellings() {
        for setting in ALL {
            let upper = setting.key.to_uppercase();
            assert!(setting.variable == format!("SIGNUP_{upper}") || setting.variable == upper, "{upper}");
            let foreign = ["DATABASE_URL", "REDIS_URL"].contains(&setting.variable);
            assert_eq!(foreign, !setting.variable.starts_with("SIGNUP_"), "{upper}");
            let flag = setting.flag().unwrap_or_default();
            assert!(flag.is_empty() || flag == setting.key.replace('_', "-"), "{flag}");
        }
    }

    #[test]
    fn the_default_limits_are_the_apis_own() {
        let api::Quotas { address, email } = api::Quotas::default();
        assert_eq!(
            (ADDRESS_LIMIT.unset, EMAIL_LIMIT.unset),
            (Default(&address.to_string()), Default(&email.to_string()))
        );
    }

    #[test]
    fn the_default_cost_of_a_hash_is_the_hashers_own() {
        assert_eq!(ARGON2.unset, Default(&signup::Cost::default().to_string()));
    }
}
