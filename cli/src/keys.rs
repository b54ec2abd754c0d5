//! `signup keys`: the keys that the processes of a cluster share.

mod rotate;

use std::io::Write;

use anyhow::Context;
use clap::Subcommand;
use zeroize::Zeroizing;

use rotate::Rotate;

use crate::key::{self, Key};
use crate::operator::finish;

/// What to do about keys.
#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// Print fresh keys as an env file: `(umask 077; signup keys init > .env)`
    Init,
    /// Make the next key that signs access tokens, whether it is time for it or not
    Rotate(Rotate),
}

impl Keys {
    /// Does it.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Init => std::io::stdout().write_all(fresh()?.as_bytes()).context("cannot write the keys"),
            Self::Rotate(rotate) => finish(rotate.run()),
        }
    }
}

/// Fresh keys, in lines that a shell, systemd and containers read alike.
fn fresh() -> anyhow::Result<Zeroizing<String>> {
    let (seal, hash, master) = (Key::random()?, Key::random()?, Key::random()?);
    let password = key::password()?;
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

# Keys the hashes of idempotency keys, and what sessions are continued with. For every process that serves the API. If it
# is lost, repeated requests are not recognised, and everybody must sign in again.
SIGNUP_HASH_KEY={hash}

# Seals the keys in the database that sign access tokens. For every process that serves the API. If it is lost, they cannot
# be opened: no session begins or goes on until `signup keys rotate` has made others.
SIGNUP_MASTER_KEY={master}

# The database's password, for docker-compose.yml: the service itself reads it in DATABASE_URL. The database keeps the one
# that it was made with.
POSTGRES_PASSWORD={password}
",
        private = &*seal.reveal(),
        hash = &*hash.reveal(),
        master = &*master.reveal(),
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
            [
                "SIGNUP_SEAL_PUBLIC_KEY",
                "SIGNUP_SEAL_PRIVATE_KEY",
                "SIGNUP_HASH_KEY",
                "SIGNUP_MASTER_KEY",
                "POSTGRES_PASSWORD"
            ]
        );
        for ((name, one), (_, other)) in one.iter().zip(&other) {
            assert!(one != other && (key::decode(one).is_ok() || name == "POSTGRES_PASSWORD"), "{name}");
        }
        // It goes into a URL as it is.
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
        assert!(one[4].1.len() == 43 && one[4].1.chars().all(is_plain), "{}", one[4].1);
        let unsealer = Key::new(key::decode(&one[1].1).unwrap()).unsealer().unwrap();
        assert_eq!(key::encode(unsealer.sealer().public_key()), one[0].1, "the halves fit");
    }
}
