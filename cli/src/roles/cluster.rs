//! What the processes of a cluster must be told: nothing has a default that they would not share.

use accounts::Issuer;
use signup::Unsealer;
use tracing::warn;

use super::Role;
use super::parts::ApiKeys;
use crate::config::{Config, Error, Secret, Setting, settings};
use crate::secrets::matching;

/// Where what the processes share is.
pub(super) struct Cluster {
    pub(super) database_url: Secret,
    pub(super) redis_url: Secret,
}

impl Cluster {
    /// What `signup api` goes by. It cannot open the passwords that it seals.
    pub(super) fn of_api(config: &Config) -> anyhow::Result<(Self, ApiKeys, Issuer)> {
        let (public, hash, master) = (&config.seal_public_key, &config.hash_key, &config.master_key);
        let (Some(cluster), Some(origin), Some(sealer), Some(hash), Some(master)) =
            (servers(config), &config.origin, public, hash, master)
        else {
            let origin = (&settings::ORIGIN, config.origin.is_some(), "https://signup.example.com");
            let keys = [
                (&settings::SEAL_PUBLIC_KEY, public.is_some()),
                (&settings::HASH_KEY, hash.is_some()),
                (&settings::MASTER_KEY, master.is_some()),
            ];
            return Err(lacking(Role::Api, config, &[origin], &keys).into());
        };
        if config.seal_private_key.is_some() {
            let name = settings::SEAL_PRIVATE_KEY.variable;
            warn!("`{name}` is set and {} does not use it: give it to {} alone", Role::Api, Role::Worker);
        }
        let keys = ApiKeys { sealer: sealer.clone(), hash_key: hash.hash_key(), master_key: master.master_key() };
        Ok((cluster, keys, origin.issuer()))
    }

    /// What `signup worker` goes by.
    pub(super) fn of_worker(config: &Config) -> anyhow::Result<(Self, Unsealer)> {
        let (Some(cluster), Some(key)) = (servers(config), &config.seal_private_key) else {
            let keys = [(&settings::SEAL_PRIVATE_KEY, config.seal_private_key.is_some())];
            return Err(lacking(Role::Worker, config, &[], &keys).into());
        };
        Ok((cluster, matching(config, key)?))
    }
}

fn servers(config: &Config) -> Option<Cluster> {
    let (database_url, redis_url) = (config.database_url.clone()?, config.redis_url.clone()?);
    Some(Cluster { database_url, redis_url })
}

/// One line that names everything that is missing, and where it comes from: servers and `others` by an example.
fn lacking(role: Role, config: &Config, others: &[(&Setting, bool, &str)], keys: &[(&Setting, bool)]) -> Error {
    let servers = [
        (&settings::DATABASE_URL, config.database_url.is_some(), "postgres://user:password@host/database"),
        (&settings::REDIS_URL, config.redis_url.is_some(), "redis://host:6379"),
    ];
    let missing = servers.iter().chain(others).filter(|(_, is_set, _)| !is_set);
    let mut parts: Vec<String> =
        missing.map(|(setting, _, example)| format!("`{}` ({example})", setting.variable)).collect();
    let keys: Vec<String> =
        keys.iter().filter(|(_, is_set)| !is_set).map(|(setting, _)| format!("`{}`", setting.variable)).collect();
    if !keys.is_empty() {
        parts.push(format!("{} (made by `signup keys init`, the same for all)", keys.join(" and ")));
    }
    Error::new(format!("{role} is not told {}; a process that is alone, {}, needs none", parts.join(", "), Role::Serve))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(variables: &[(&str, &str)]) -> (String, String) {
        let config = Config::of_variables(variables).unwrap();
        let api = Cluster::of_api(&config).err().map(|error| error.to_string()).unwrap_or_default();
        let worker = Cluster::of_worker(&config).err().map(|error| error.to_string()).unwrap_or_default();
        (api, worker)
    }

    const DATABASE: (&str, &str) = ("DATABASE_URL", "postgres://host/x");
    const REDIS: (&str, &str) = ("REDIS_URL", "redis://host");
    const ORIGIN: (&str, &str) = ("SIGNUP_ORIGIN", "https://Signup.example.com:443");
    const KEY: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";

    #[test]
    fn everything_that_is_missing_is_named_at_once() {
        let (api, worker) = refusal(&[]);
        assert_eq!(
            api,
            "`signup api` is not told `DATABASE_URL` (postgres://user:password@host/database), `REDIS_URL` \
             (redis://host:6379), `SIGNUP_ORIGIN` (https://signup.example.com), `SIGNUP_SEAL_PUBLIC_KEY` and \
             `SIGNUP_HASH_KEY` and `SIGNUP_MASTER_KEY` (made by `signup keys init`, the same for all); a process that is \
             alone, `signup serve`, needs none"
        );
        assert!(worker.contains("`REDIS_URL` (redis://host:6379), `SIGNUP_SEAL_PRIVATE_KEY` (made"), "{worker}");
    }

    #[test]
    fn each_role_needs_its_own_keys_alone() {
        let keys = ["SIGNUP_SEAL_PUBLIC_KEY", "SIGNUP_HASH_KEY", "SIGNUP_MASTER_KEY"].map(|name| (name, KEY));
        let (api, worker) = refusal(&[&[DATABASE, REDIS, ORIGIN], &keys[..]].concat());
        assert_eq!(api, "");
        assert!(worker.contains("is not told `SIGNUP_SEAL_PRIVATE_KEY` (made"), "{worker}");
        let (api, worker) = refusal(&[DATABASE, REDIS, ORIGIN, ("SIGNUP_SEAL_PRIVATE_KEY", KEY)]);
        assert!(
            api.contains("is not told `SIGNUP_SEAL_PUBLIC_KEY` and `SIGNUP_HASH_KEY` and `SIGNUP_MASTER_KEY` (made")
        );
        assert_eq!(worker, "");
        let (api, _) = refusal(&[&[DATABASE, ORIGIN], &keys[..]].concat());
        assert!(api.starts_with("`signup api` is not told `REDIS_URL` (redis://host:6379); "), "{api}");
        let (api, _) = refusal(&[&[DATABASE, REDIS], &keys[..]].concat());
        assert!(api.starts_with("`signup api` is not told `SIGNUP_ORIGIN` (https://signup.example.com); "), "{api}");
        let (api, _) = refusal(&[&[DATABASE, REDIS, ORIGIN], &keys[..2]].concat());
        assert!(api.starts_with("`signup api` is not told `SIGNUP_MASTER_KEY` (made by `signup keys init`"), "{api}");
    }

    #[test]
    fn tokens_are_issued_by_the_origin_and_for_it() {
        let keys = ["SIGNUP_SEAL_PUBLIC_KEY", "SIGNUP_HASH_KEY", "SIGNUP_MASTER_KEY"].map(|name| (name, KEY));
        let config = Config::of_variables(&[&[DATABASE, REDIS, ORIGIN], &keys[..]].concat()).unwrap();
        let origin = "https://signup.example.com".to_owned();
        let (_, _, issuer) = Cluster::of_api(&config).unwrap();
        assert_eq!(issuer, Issuer { issuer: origin.clone(), audience: origin });
    }
}
