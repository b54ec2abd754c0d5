//! Where a page of a list ends: opaque to clients, who hand it back as they got it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use saga::SagaId;

/// The cursor after this saga.
pub(super) fn after(saga: SagaId) -> String {
    URL_SAFE_NO_PAD.encode(saga.uuid().as_bytes())
}

/// The saga that a cursor stands after.
pub(super) fn parse(text: &str) -> Result<SagaId, &'static str> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
    let uuid = bytes.map(uuid::Uuid::from_bytes).ok_or("must be the next_cursor of an earlier answer")?;
    Ok(SagaId::from_uuid(uuid))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_and_other_texts_do_not() {
        let saga = crate::signups::EXAMPLE;
        assert_eq!(parse(&after(saga)), Ok(saga));
        for text in ["", "x", "AAAA", &"A".repeat(23), &saga.to_string()] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
