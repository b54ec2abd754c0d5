//! Hashes as they are stored: PHC strings (<https://github.com/P-H-C/phc-string-format>).

use std::fmt;

use argon2::password_hash::phc;
use argon2::{Algorithm, Argon2, Block, Params, Version};

use super::Cost;
use crate::Password;

/// A password's hash, as a PHC string.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

/// A password's hash, read.
pub(super) struct Stored {
    pub(super) params: Params,
    salt: phc::Salt,
    output: phc::Output,
}

impl PasswordHash {
    /// A hash as it is stored.
    pub fn from_stored(phc: String) -> Self {
        Self(phc)
    }

    /// The PHC string to store.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Hashes a password under a fresh salt.
    pub(super) fn make(params: Params, password: &Password, blocks: &mut [Block]) -> Result<Self, String> {
        let salt = phc::Salt::generate();
        let text = phc::ParamsString::try_from(&params).map_err(|error| error.to_string())?;
        let hash = phc::PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: text,
            salt: Some(salt),
            hash: Some(output(params, password, &salt, Params::DEFAULT_OUTPUT_LEN, blocks)?),
        };
        Ok(Self(hash.to_string()))
    }

    /// A hash of this cost that is no password's: its output is all zeros, and nobody can find what hashes to that.
    pub(super) fn of_nobody(cost: &Cost) -> Self {
        Self(format!("$argon2id$v=19${cost}${}${}", "A".repeat(22), "A".repeat(43)))
    }
}

impl Stored {
    /// The most KiB that a hash may go over, all passes together: some seconds of a core.
    const MOST_WORK: u64 = 16 << 20;

    /// Reads a hash. The error does not show it.
    pub(super) fn read(hash: &PasswordHash) -> Result<Self, String> {
        let unreadable = || "the stored hash cannot be read: it is no PHC string of Argon2id, version 19".to_owned();
        let parsed = phc::PasswordHash::new(hash.as_str()).map_err(|_| unreadable())?;
        let params = Params::try_from(&parsed).map_err(|_| unreadable())?;
        let known = parsed.algorithm == Algorithm::Argon2id.ident() && parsed.version == Some(Version::V0x13.into());
        let (true, Some(salt), Some(output)) = (known, parsed.salt, parsed.hash) else { return Err(unreadable()) };
        let (memory, passes) = (params.m_cost(), params.t_cost());
        if memory > Cost::MOST_MEMORY || u64::from(memory) * u64::from(passes) > Self::MOST_WORK {
            return Err(format!(
                "the stored hash cannot be verified: m={memory},t={passes} is beyond what a hash takes"
            ));
        }
        Ok(Self { params, salt, output })
    }

    /// Whether it is this password's. Takes as long where it is not.
    pub(super) fn is_of(&self, password: &Password, blocks: &mut [Block]) -> Result<bool, String> {
        // Outputs are compared in constant time: see the documentation of `phc::Output`.
        Ok(output(self.params.clone(), password, &self.salt, self.output.len(), blocks)? == self.output)
    }

    /// Whether it is worth less to whom it protects than a hash of this cost, or is made in another way.
    pub(super) fn is_outdated(&self, Cost(wanted): &Cost) -> bool {
        self.params.m_cost() < wanted.m_cost()
            || self.params.t_cost() < wanted.t_cost()
            || self.params.p_cost() != wanted.p_cost()
    }
}

fn output(
    params: Params,
    password: &Password,
    salt: &phc::Salt,
    size: usize,
    blocks: &mut [Block],
) -> Result<phc::Output, String> {
    let mut bytes = [0; phc::Output::MAX_LENGTH];
    let bytes = bytes.get_mut(..size).ok_or("an output of this size is no hash's")?;
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(password.as_bytes(), salt, bytes, blocks)
        .map_err(|error| error.to_string())?;
    phc::Output::new(bytes).map_err(|error| error.to_string())
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}
