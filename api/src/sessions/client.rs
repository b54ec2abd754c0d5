//! What is kept of the client that begins a session: enough for its user to know it again.

use std::net::IpAddr;

use axum::http::HeaderMap;
use axum::http::header::USER_AGENT;
use ipnet::IpNet;

/// How many characters of a client's own words are kept.
const LONGEST: usize = 200;
/// How many bits of an address are kept: the network of an office or a town, not somebody's house.
const IPV4: u8 = 24;
const IPV6: u8 = 48;

/// The client in its own words: its `User-Agent`, without what is not to be shown.
pub(super) fn device(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(USER_AGENT)?.to_str().ok()?;
    let shown: String = text.chars().filter(|c| !c.is_control()).take(LONGEST).collect();
    let shown = shown.trim();
    (!shown.is_empty()).then(|| shown.to_owned())
}

/// The network that an address is in: `198.51.100.0/24`.
pub(super) fn address_class(address: IpAddr) -> Option<String> {
    let bits = if address.is_ipv4() { IPV4 } else { IPV6 };
    IpNet::new(address, bits).ok().map(|network| network.trunc().to_string())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn an_address_is_kept_as_its_network() {
        let class = |address: &str| address_class(address.parse().unwrap()).unwrap();
        assert_eq!(class("198.51.100.77"), "198.51.100.0/24");
        assert_eq!(class("2001:db8:1:2:3::4"), "2001:db8:1::/48");
    }

    #[test]
    fn a_device_is_what_it_says_of_itself_in_one_line() {
        let device =
            |text: &[u8]| device(&HeaderMap::from_iter([(USER_AGENT, HeaderValue::from_bytes(text).unwrap())]));
        assert_eq!(device(b" Mozilla/5.0\t(X11) "), Some("Mozilla/5.0(X11)".to_owned()));
        assert_eq!(device(&[b'a'; 300]), Some("a".repeat(200)));
        assert_eq!(device(b""), None);
        assert_eq!(device(b"\xff"), None);
        assert_eq!(super::device(&HeaderMap::new()), None);
    }
}
