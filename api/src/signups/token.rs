//! `workflow_token`: shows that its bearer has started the sign-up.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use saga::SagaId;
use signup::{HashKey, Mac, Purpose};

/// The token of a sign-up: a keyed hash of its id, so that a repetition of the request has it too, and nothing of it is
/// stored.
pub(super) fn token(key: &HashKey, saga: SagaId) -> String {
    let Mac(mac) = key.mac(Purpose::WorkflowToken, &[saga.uuid().as_bytes()]);
    format!("wft_{}", URL_SAFE_NO_PAD.encode(mac))
}

/// Whether a text is the token of this sign-up. It takes the same time wherever it differs.
pub(crate) fn is_token_of(key: &HashKey, saga: SagaId, text: &str) -> bool {
    // Neither hash can be chosen, so what their comparison takes tells nothing of the token.
    let hash = |text: &str| key.mac(Purpose::WorkflowToken, &[text.as_bytes()]);
    hash(text) == hash(&token(key, saga))
}

#[cfg(test)]
mod tests {
    use saga::{OsRandom, SystemClock};

    use super::*;

    #[test]
    fn a_token_is_of_its_sign_up_and_its_key() {
        let (key, other) = (HashKey::new([1; 32]), HashKey::new([2; 32]));
        let sagas = [(); 2].map(|()| SagaId::new(&SystemClock, &OsRandom));
        assert_eq!(token(&key, sagas[0]), token(&key, sagas[0]));
        assert_ne!(token(&key, sagas[0]), token(&key, sagas[1]));
        assert_ne!(token(&key, sagas[0]), token(&other, sagas[0]));
        assert_eq!(token(&key, sagas[0]).len(), 47);
        assert!(is_token_of(&key, sagas[0], &token(&key, sagas[0])));
        for wrong in [token(&key, sagas[1]), token(&other, sagas[0]), String::new(), token(&key, sagas[0]) + "A"] {
            assert!(!is_token_of(&key, sagas[0], &wrong), "{wrong}");
        }
    }
}
