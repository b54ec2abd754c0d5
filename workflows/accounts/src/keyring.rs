//! The keyring: which key signs, which are published, and when the next one is made.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::{ACCESS_LIFE, Jwk, KeyId, LEEWAY, MasterKey, OpenError, PublicKey, SealedKey, SigningKey};

/// For how long a key signs before it is time for its successor.
pub const ROTATE_EVERY: SignedDuration = SignedDuration::from_hours(30 * 24);

/// For how long a key is published before it signs: within it every process reads the keys again, and so does everyone
/// who keeps the published ones for a while.
pub const PUBLISHED_BEFORE: SignedDuration = SignedDuration::from_mins(15);

/// A signing key as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredKey {
    /// The how-manieth key it is, which no two keys share.
    pub generation: u32,
    /// Its name.
    pub id: KeyId,
    /// Its public half.
    pub public: PublicKey,
    /// Its private half.
    pub sealed: SealedKey,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it begins to sign.
    pub signs_from: Timestamp,
}

/// A key that it is time to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// The how-manieth key it is to be.
    pub generation: u32,
    /// When it is to begin to sign.
    pub signs_from: Timestamp,
}

/// Every key that is known, in the order in which they sign.
///
/// The public halves are taken as they are stored. Who does not trust the store with them opens each key first
/// ([`StoredKey::open`]): a public key that was put there by somebody else does not.
#[derive(Debug, Clone, Default)]
pub struct Keyring {
    keys: Vec<StoredKey>,
}

/// The keys that are published (RFC 7517).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JwkSet {
    /// One for each key.
    pub keys: Vec<Jwk>,
}

impl Keyring {
    /// A keyring of all the keys that are stored, in whatever order.
    pub fn new(mut keys: Vec<StoredKey>) -> Self {
        keys.sort_by_key(|key| (key.signs_from, key.generation));
        Self { keys }
    }

    /// The key that signs: the last that has begun to. If none has, the first that will.
    pub fn signing(&self, now: Timestamp) -> Option<&StoredKey> {
        self.keys.get(self.signing_at(now))
    }

    /// The keys that are published: the one that signs, all that will, and the former ones for as long as a token of
    /// theirs can live. Exactly these verify.
    pub fn published(&self, now: Timestamp) -> &[StoredKey] {
        let signing = self.signing_at(now);
        let retired = |successor: &StoredKey| after(successor.signs_from, ACCESS_LIFE + LEEWAY) <= now;
        let first = (0..signing).find(|former| !self.keys.get(former + 1).is_some_and(retired));
        self.keys.get(first.unwrap_or(signing)..).unwrap_or_default()
    }

    /// The published key of this name.
    pub fn find(&self, id: &str, now: Timestamp) -> Option<&StoredKey> {
        self.published(now).iter().find(|key| key.id.as_str() == id)
    }

    /// What is published of the published keys.
    pub fn jwks(&self, now: Timestamp) -> JwkSet {
        JwkSet { keys: self.published(now).iter().map(|key| key.public.jwk()).collect() }
    }

    /// The key that it is time to make, if it is: the first of all, or the successor of one that has signed for
    /// [`ROTATE_EVERY`] and has none yet.
    pub fn due(&self, now: Timestamp) -> Option<Due> {
        // One that is to begin later than any successor would was made by a clock that was ahead.
        let mut latest = self.keys.iter().rev().filter(|key| key.signs_from <= after(now, PUBLISHED_BEFORE));
        let is_due = latest.next().is_none_or(|latest| after(latest.signs_from, ROTATE_EVERY) <= now);
        is_due.then(|| self.successor(now))
    }

    /// The key that comes next, whether it is time for it or not: the first of all signs at once, and any other after
    /// everybody has had the time to read it.
    pub fn successor(&self, now: Timestamp) -> Due {
        match self.keys.iter().map(|key| key.generation).max() {
            None => Due { generation: 1, signs_from: now },
            Some(latest) => Due { generation: latest.saturating_add(1), signs_from: after(now, PUBLISHED_BEFORE) },
        }
    }

    fn signing_at(&self, now: Timestamp) -> usize {
        self.keys.partition_point(|key| key.signs_from <= now).saturating_sub(1)
    }
}

impl StoredKey {
    /// The key that was due, made at `now` and sealed.
    pub fn seal(due: Due, key: &SigningKey, master: &MasterKey, now: Timestamp) -> Self {
        Self {
            generation: due.generation,
            id: key.id().clone(),
            public: *key.public(),
            sealed: master.seal(key),
            created_at: now,
            signs_from: due.signs_from,
        }
    }

    /// Opens it.
    ///
    /// # Errors
    /// [`OpenError`] if it is not sealed with this master key, or is not the key that it says it is.
    pub fn open(&self, master: &MasterKey) -> Result<SigningKey, OpenError> {
        master.open(&self.id, &self.public, &self.sealed)
    }
}

fn after(at: Timestamp, time: SignedDuration) -> Timestamp {
    at.checked_add(time).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    fn key(generation: u32, signs_from: Timestamp) -> StoredKey {
        let key = SigningKey::generate().unwrap();
        StoredKey {
            generation,
            id: KeyId::from_stored(format!("key {generation}")),
            public: *key.public(),
            sealed: SealedKey::from_bytes(Vec::new()),
            created_at: signs_from,
            signs_from,
        }
    }

    fn generations(keys: &[StoredKey]) -> Vec<u32> {
        keys.iter().map(|key| key.generation).collect()
    }

    #[test]
    fn without_keys_the_first_is_due_at_once() {
        let none = Keyring::default();
        assert_eq!(none.due(at(0)), Some(Due { generation: 1, signs_from: at(0) }));
        assert!(none.signing(at(0)).is_none() && none.published(at(0)).is_empty());
    }

    #[test]
    fn the_last_that_has_begun_signs() {
        let ring = Keyring::new(vec![key(3, at(200)), key(1, at(0)), key(2, at(100))]);
        for (now, signs) in [(-1, 1), (0, 1), (99, 1), (100, 2), (199, 2), (200, 3), (9999, 3)] {
            assert_eq!(ring.signing(at(now)).unwrap().generation, signs, "at {now}");
        }
        let tie = Keyring::new(vec![key(2, at(0)), key(1, at(0))]);
        assert_eq!(tie.signing(at(0)).unwrap().generation, 2);
    }

    #[test]
    fn a_key_is_published_before_it_signs_and_until_its_last_token_has_ended() {
        let ring = Keyring::new(vec![key(1, at(0)), key(2, at(1000)), key(3, at(1300))]);
        let overlap = (ACCESS_LIFE + LEEWAY).as_secs();
        assert_eq!(generations(ring.published(at(0))), [1, 2, 3]);
        assert_eq!(generations(ring.published(at(1000 + overlap - 1))), [1, 2, 3]);
        assert_eq!(generations(ring.published(at(1000 + overlap))), [2, 3]);
        assert_eq!(generations(ring.published(at(1300 + overlap - 1))), [2, 3]);
        assert_eq!(generations(ring.published(at(1300 + overlap))), [3]);
        assert!(ring.find("key 1", at(1000)).is_some());
        assert!(ring.find("key 1", at(1000 + overlap)).is_none());
        assert_eq!(ring.jwks(at(0)).keys.len(), 3);
    }

    #[test]
    fn a_successor_is_due_after_30_days_once() {
        let month = ROTATE_EVERY.as_secs();
        let ring = Keyring::new(vec![key(7, at(0))]);
        assert_eq!(ring.due(at(month - 1)), None);
        let due = ring.due(at(month)).unwrap();
        assert_eq!(due, Due { generation: 8, signs_from: at(month) + PUBLISHED_BEFORE });
        let both = Keyring::new(vec![key(7, at(0)), key(8, due.signs_from)]);
        assert_eq!(both.due(at(month)), None);
        assert_eq!(both.signing(at(month)).unwrap().generation, 7);
    }

    #[test]
    fn a_key_of_a_clock_that_was_ahead_does_not_keep_its_successor_from_being_made() {
        let month = ROTATE_EVERY.as_secs();
        let ring = Keyring::new(vec![key(1, at(0)), key(2, at(100 * month))]);
        assert_eq!(ring.due(at(month - 1)), None);
        assert_eq!(ring.due(at(month)).unwrap().generation, 3);
    }

    #[test]
    fn a_stored_key_opens_and_a_public_key_of_somebody_else_does_not() {
        let (ours, other) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
        let master = MasterKey::new([7; 32]);
        let stored = StoredKey::seal(Due { generation: 1, signs_from: at(0) }, &ours, &master, at(0));
        assert_eq!(stored.open(&master).unwrap().id(), ours.id());
        let swapped = StoredKey { public: *other.public(), id: other.id().clone(), ..stored.clone() };
        assert_eq!(swapped.open(&master).unwrap_err(), OpenError::Corrupt);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn whatever_signs_is_published_until_its_tokens_have_ended(
            begins in prop::collection::vec(0..5000_i64, 1..6), now in -100..6000_i64, later in 0..630_i64
        ) {
            let template = key(0, at(0));
            let keys = (1..).zip(begins).map(|(generation, begin)| StoredKey {
                generation,
                id: KeyId::from_stored(format!("key {generation}")),
                signs_from: at(begin),
                ..template.clone()
            });
            let ring = Keyring::new(keys.collect());
            let signing = ring.signing(at(now)).unwrap();
            prop_assert!(ring.find(signing.id.as_str(), at(now + later)).is_some());
            prop_assert!(ring.published(at(now - PUBLISHED_BEFORE.as_secs())).contains(signing));
        }

        #[test]
        fn a_keyring_that_is_tended_never_leaves_a_token_without_its_key(pause in 1..40_i64, hours in 1..100_i64) {
            // Somebody looks at it every so many hours: up to three years.
            let template = key(0, at(0));
            let mut keys = Vec::new();
            for look in 0..300 {
                let now = at(look * hours * 3600 + pause);
                let ring = Keyring::new(keys.clone());
                if let Some(due) = ring.due(now) {
                    prop_assert!(keys.is_empty() || due.signs_from == now + PUBLISHED_BEFORE);
                    let id = KeyId::from_stored(format!("key {}", due.generation));
                    keys.push(StoredKey { id, generation: due.generation, signs_from: due.signs_from, ..template.clone() });
                }
                let ring = Keyring::new(keys.clone());
                let signing = ring.signing(now).unwrap();
                prop_assert!(signing.signs_from <= now);
                prop_assert!(ring.find(signing.id.as_str(), now + ACCESS_LIFE).is_some());
                prop_assert!(ring.published(now).len() <= 3);
            }
        }
    }
}
