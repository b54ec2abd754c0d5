//! How ids are written for whoever is outside: a prefix that says of what, and 32 hexadecimal digits.

use uuid::Uuid;

/// Of a user.
pub(crate) const USER: &str = "usr_";
/// Of an organization.
pub(crate) const ORGANIZATION: &str = "org_";
/// Of a session.
pub(crate) const SESSION: &str = "ses_";

/// The id as text.
pub(crate) fn show(prefix: &str, id: Uuid) -> String {
    format!("{prefix}{}", id.simple())
}

/// The id behind the text, which must be exactly what [`show`] makes of it.
pub(crate) fn read(prefix: &str, text: &str) -> Option<Uuid> {
    let id = Uuid::try_parse(text.strip_prefix(prefix)?).ok()?;
    (show(prefix, id) == text).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_text_alone() {
        let id = Uuid::from_u128(0x0190_abcd);
        let text = show(USER, id);
        assert_eq!(text, "usr_0000000000000000000000000190abcd");
        assert_eq!(read(USER, &text), Some(id));
        for other in [
            text.to_uppercase(),
            text.replace("abcd", "ABCD"),
            format!("usr_{}", id.hyphenated()),
            format!("usr_{}", id.braced()),
            text.replace(USER, ORGANIZATION),
            format!("{text} "),
            format!("{text}0"),
            text.replace(USER, ""),
            String::new(),
        ] {
            assert_eq!(read(USER, &other), None, "{other}");
        }
    }
}
