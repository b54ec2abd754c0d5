//! `Idempotency-Key`: the client's mark of a request, by which its repetition is known.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use signup::{HashKey, Idempotency, Mac, Purpose};

use crate::problem::Problem;

/// The header of an answer to a request that was accepted before.
pub(super) const REPLAYED: (HeaderName, HeaderValue) =
    (HeaderName::from_static("idempotency-replayed"), HeaderValue::from_static("true"));

/// A client's idempotency key: 1 to 255 visible ASCII characters.
pub(super) struct Key<'h>(&'h [u8]);

impl<'h> Key<'h> {
    const LONGEST: usize = 255;

    /// The request's key, if it has one.
    pub(super) fn of(headers: &'h HeaderMap) -> Result<Option<Self>, Problem> {
        let mut values = headers.get_all("idempotency-key").into_iter();
        let Some(first) = values.next() else { return Ok(None) };
        let bytes = first.as_bytes();
        let visible = (1..=Self::LONGEST).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic);
        match values.next() {
            None if visible => Ok(Some(Self(bytes))),
            None | Some(_) => Err(Problem::InvalidIdempotencyKey),
        }
    }

    /// The marks to be stored. The store takes the key together with the e-mail.
    pub(super) fn marks(&self, hash_key: &HashKey, body: Mac) -> Idempotency {
        Idempotency { key: hash_key.mac(Purpose::IdempotencyKey, &[self.0]), body }
    }
}
