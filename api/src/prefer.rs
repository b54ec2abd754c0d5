//! `Prefer: wait=N` (RFC 7240): how long a client would rather wait than ask again.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue};

/// The longest wait; a client that prefers more waits so long.
const LONGEST: Duration = Duration::from_secs(30);

/// The header of an answer that came as preferred.
pub(crate) const APPLIED: (HeaderName, HeaderValue) =
    (HeaderName::from_static("preference-applied"), HeaderValue::from_static("wait"));

/// How long the client would rather wait, if it says so. The first `wait` counts; what cannot be read is ignored.
pub(crate) fn wait(headers: &HeaderMap) -> Option<Duration> {
    let lines = headers.get_all("prefer").into_iter().filter_map(|line| line.to_str().ok());
    let value = lines.flat_map(|line| line.split(',')).find_map(|preference| {
        let (name, value) = preference.split(';').next()?.split_once('=')?;
        name.trim().eq_ignore_ascii_case("wait").then(|| value.trim().trim_matches('"'))
    })?;
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| value.parse().map_or(LONGEST, Duration::from_secs).min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(lines: &[&'static str]) -> Option<u64> {
        let lines = lines.iter().map(|line| (HeaderName::from_static("prefer"), HeaderValue::from_static(line)));
        wait(&lines.collect()).map(|wait| wait.as_secs())
    }

    #[test]
    fn the_first_wait_among_the_preferences_counts() {
        for (lines, expected) in [
            (&["wait=5"][..], Some(5)),
            (&["WAIT = 5 ; because=x"], Some(5)),
            (&["wait=\"5\""], Some(5)),
            (&["respond-async, wait=5"], Some(5)),
            (&["respond-async", "wait=5, wait=6"], Some(5)),
            (&["wait=0"], Some(0)),
            (&["wait=31"], Some(30)),
            (&["wait=99999999999999999999999"], Some(30)),
            (&[], None),
            (&["wait"], None),
            (&["wait="], None),
            (&["wait=-1"], None),
            (&["wait=+1"], None),
            (&["wait=1.5"], None),
            (&["waiting=5"], None),
        ] {
            assert_eq!(seconds(lines), expected, "{lines:?}");
        }
    }
}
