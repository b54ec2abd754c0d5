//! Passwords sealed to the workers: who accepts a sign-up can seal one, but not open it.
//!
//! HPKE (RFC 9180), base mode: X25519 with HKDF-SHA-256, and `ChaCha20-Poly1305`. The saga's id is the associated data,
//! so a sealed password opens for its own saga alone. A sealed password starts with the id of the key that it is
//! sealed to, so that keys can change.

use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use saga::SagaId;
use sha2::{Digest, Sha256};

use crate::Password;

type PublicKey = <X25519HkdfSha256 as Kem>::PublicKey;
type PrivateKey = <X25519HkdfSha256 as Kem>::PrivateKey;
type Encapsulated = <X25519HkdfSha256 as Kem>::EncappedKey;

const INFO: &[u8] = b"signup-saga password v1";
const KEY_ID_BYTES: usize = 8;
const ENCAPSULATED_BYTES: usize = 32;

/// A password that only a worker can open.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedPassword(Vec<u8>);

/// Seals passwords: the public half of the key.
#[derive(Clone)]
pub struct Sealer {
    key: PublicKey,
}

/// Opens sealed passwords: the private half of the key.
#[derive(Clone)]
pub struct Unsealer {
    id: [u8; KEY_ID_BYTES],
    key: PrivateKey,
}

/// The bytes are not a key: 32 bytes are, for either half.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an X25519 key of 32 bytes")]
pub struct SealKeyError;

/// Why a sealed password does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// It is sealed to a key that this worker does not have.
    #[error("sealed to another key")]
    OtherKey,
    /// It was changed, or belongs to another saga.
    #[error("does not open: changed, or sealed for another saga")]
    Corrupt,
}

impl Sealer {
    /// A sealer for a public key of 32 bytes.
    ///
    /// # Errors
    /// [`SealKeyError`] if it is no key.
    pub fn new(public: &[u8]) -> Result<Self, SealKeyError> {
        let key = PublicKey::from_bytes(public).map_err(|_| SealKeyError)?;
        // A key of low order is found here, and not by the first who signs up.
        seal(&key, &[], &[]).map(|_| Self { key }).map_err(|_| SealKeyError)
    }

    /// The public key: 32 bytes that are no secret.
    pub fn public_key(&self) -> [u8; 32] {
        self.key.to_bytes().into()
    }

    /// Seals a password for one saga.
    pub fn seal(&self, saga: SagaId, password: &Password) -> SealedPassword {
        // With a key that has sealed before this fails past 2^32 bytes alone.
        let (encapsulated, ciphertext) = match seal(&self.key, password.as_bytes(), saga.uuid().as_bytes()) {
            Ok(sealed) => sealed,
            Err(never) => unreachable!("a key that seals, and a short password: {never}"),
        };
        SealedPassword([&key_id(&self.key)[..], &encapsulated.to_bytes(), &ciphertext].concat())
    }
}

impl Unsealer {
    /// An unsealer for a private key of 32 bytes.
    ///
    /// # Errors
    /// [`SealKeyError`] if it is no key.
    pub fn new(private: &[u8]) -> Result<Self, SealKeyError> {
        let key = PrivateKey::from_bytes(private).map_err(|_| SealKeyError)?;
        Ok(Self { id: key_id(&X25519HkdfSha256::sk_to_pk(&key)), key })
    }

    /// The sealer for the public half of this key.
    pub fn sealer(&self) -> Sealer {
        Sealer { key: X25519HkdfSha256::sk_to_pk(&self.key) }
    }

    /// Opens a password that was sealed for this saga.
    ///
    /// # Errors
    /// [`OpenError`] if it is not for this key or this saga.
    pub fn open(&self, saga: SagaId, sealed: &SealedPassword) -> Result<Password, OpenError> {
        let (id, rest) = sealed.0.split_at_checked(KEY_ID_BYTES).ok_or(OpenError::Corrupt)?;
        if id != self.id {
            return Err(OpenError::OtherKey);
        }
        let (encapsulated, ciphertext) = rest.split_at_checked(ENCAPSULATED_BYTES).ok_or(OpenError::Corrupt)?;
        let encapsulated = Encapsulated::from_bytes(encapsulated).map_err(|_| OpenError::Corrupt)?;
        let opened = hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            &self.key,
            &encapsulated,
            INFO,
            ciphertext,
            saga.uuid().as_bytes(),
        );
        Password::from_sealed(opened.map_err(|_| OpenError::Corrupt)?).ok_or(OpenError::Corrupt)
    }
}

fn seal(key: &PublicKey, text: &[u8], bound_to: &[u8]) -> Result<(Encapsulated, Vec<u8>), hpke::HpkeError> {
    hpke::single_shot_seal::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(&OpModeS::Base, key, INFO, text, bound_to)
}

fn key_id(public: &PublicKey) -> [u8; KEY_ID_BYTES] {
    let mut id = [0; KEY_ID_BYTES];
    id.copy_from_slice(&Sha256::digest(public.to_bytes())[..KEY_ID_BYTES]);
    id
}

impl SealedPassword {
    /// A sealed password as it is stored.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes to store.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for SealedPassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[sealed]")
    }
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer(..)")
    }
}

impl std::fmt::Debug for Unsealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use saga::{OsRandom, SystemClock};

    use super::*;

    fn saga() -> SagaId {
        SagaId::new(&SystemClock, &OsRandom)
    }

    fn password() -> Password {
        Password::parse("correct horse battery staple".into(), &[]).unwrap()
    }

    #[test]
    fn a_sealed_password_opens_for_its_own_saga_and_key_alone() {
        let unsealer = Unsealer::new(&[7; 32]).unwrap();
        let (ours, other) = (saga(), saga());
        let sealed = unsealer.sealer().seal(ours, &password());
        assert_eq!(unsealer.open(ours, &sealed).unwrap().as_bytes(), password().as_bytes());
        assert_eq!(unsealer.open(other, &sealed).unwrap_err(), OpenError::Corrupt);
        assert_eq!(Unsealer::new(&[8; 32]).unwrap().open(ours, &sealed).unwrap_err(), OpenError::OtherKey);
    }

    #[test]
    fn a_sealer_is_made_anew_from_its_public_key() {
        let (unsealer, saga) = (Unsealer::new(&[7; 32]).unwrap(), saga());
        let sealer = Sealer::new(&unsealer.sealer().public_key()).unwrap();
        assert!(unsealer.open(saga, &sealer.seal(saga, &password())).is_ok());
    }

    #[test]
    fn a_changed_byte_anywhere_is_noticed() {
        let (unsealer, saga) = (Unsealer::new(&[7; 32]).unwrap(), saga());
        let sealed = unsealer.sealer().seal(saga, &password());
        for at in 0..sealed.as_bytes().len() {
            let mut bytes = sealed.as_bytes().to_vec();
            bytes[at] ^= 1;
            assert!(unsealer.open(saga, &SealedPassword::from_bytes(bytes)).is_err(), "byte {at}");
        }
        assert!(unsealer.open(saga, &SealedPassword::from_bytes(vec![])).is_err());
    }

    #[test]
    fn only_32_bytes_are_a_key() {
        assert!(Unsealer::new(&[7; 31]).is_err());
        assert!(Sealer::new(&[7; 33]).is_err());
        assert!(Sealer::new(&[0; 32]).is_err(), "of low order");
        assert!(Sealer::new(&[9; 32]).is_ok());
    }
}
