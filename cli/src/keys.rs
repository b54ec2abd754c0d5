//! `signup keys`: the keys that the processes of a cluster share.

use std::io::Write;

use anyhow::Context;
use clap::Subcommand;
use zeroize::Zeroizing;

use crate::key::{self, Key};

/// What to do about keys.
#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// Print fresh keys as an env file: `(umask 077; signup keys init > .env)`
    Init,
}

impl Keys {
    /// Does it.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        match self {
            Self::Init => std::io::stdout().write_all(fresh()?.as_bytes()).context("cannot write the keys"),
        }
    }
}

/// Fresh keys, in lines that a shell, systemd and containers read alike.
fn fresh() -> anyhow::Result<Zeroizing<String>> {
    let (seal, hash, password) = (Key::random()?, Key::random()?, key::password()?);
    let public = key::encode(seal.unsealer()?.sealer().public_key());
    Ok(Zeroizing::new(format!(
        "\
# Keys of signup-saga, made by `signup keys init`: make them once, and give every process the same.
# Keep this file as you keep passwords: chmod 600, and nowhere in version control.

# Seals passwords. Not a secret. For every process that accepts sign-ups.
SIGNUP_SEAL_PUBLIC_KEY={public}

# Opens sealed passwords. For processes that run sign-ups, and nobody else: those that only accept them go without.
# If it is lost, sign-ups whose password is not hashed yet fail.
SIGNUP_SEAL_PRIVATE_KEY={private}

# Keys the hashes of idempotency keys. For every process that accepts sign-ups. If it is lost, repeated requests are not
# recognised.
SIGNUP_HASH_KEY={hash}

# The database's password, for docker-compose.yml: the service itself reads it in DATABASE_URL. The database keeps the one
# that it was made with.
POSTGRES_PASSWORD={password}
",
        private = &*seal.reveal(),
        hash = &*hash.reveal(),
        password = &*password,
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fresh_keys_are_lines_of_an_env_file_and_never_the_same() {
        let (one, other) = (fresh().unwrap(), fresh().unwrap());
        let values = |text: &str| -> Vec<(String, String)> {
            let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
            lines.map(|line| line.split_once('=').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap()).collect()
        };
        let (one, other) = (values(&one), values(&other));
        let names: Vec<&str> = one.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            ["SIGNUP_SEAL_PUBLIC_KEY", "SIGNUP_SEAL_PRIVATE_KEY", "SIGNUP_HASH_KEY", "POSTGRES_PASSWORD"]
        );
        for ((name, one), (_, other)) in one.iter().zip(&other) {
            assert!(one != other && (key::decode(one).is_ok() || name == "POSTGRES_PASSWORD"), "{name}");
        }
        // It goes into a URL as it is.
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
        assert!(one[3].1.len() == 43 && one[3].1.chars().all(is_plain), "{}", one[3].1);
        let unsealer = Key::new(key::decode(&one[1].1).unwrap()).unsealer().unwrap();
        assert_eq!(key::encode(unsealer.sealer().public_key()), one[0].1, "the halves fit");
    }
}
