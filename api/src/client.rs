//! Who asks: the address that a request comes from.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::{Arc, Once};

use axum::RequestPartsExt;
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use ipnet::IpNet;
use tracing::{error, warn};

use crate::Api;
use crate::problem::Problem;

/// The proxies that are believed where they say for whom they ask.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

/// The address that a request comes from: the peer's, or, where that is a trusted proxy, the right-most address in
/// `X-Forwarded-For` that is none. What stands further to the left may be said by anyone, and other headers are not read.
pub(crate) struct ClientAddress(pub(crate) IpAddr);

const FORWARDED_FOR: &str = "x-forwarded-for";

impl TrustedProxies {
    /// Whether this is the address of one of them, in its canonical form.
    pub fn trust(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The client for whom this peer asks. Where a trusted proxy names nobody, or what is no address, it is the client.
    fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        let lines = headers.get_all(FORWARDED_FOR).into_iter();
        let hops: Vec<&[u8]> = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b',')).collect();
        for hop in hops.into_iter().rev() {
            let Some(address) = std::str::from_utf8(hop).ok().and_then(address).filter(|_| self.trust(client)) else {
                break;
            };
            client = address;
        }
        client
    }
}

/// An address, which some proxies write with a port, or in brackets.
fn address(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim();
    let bare = || hop.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let with_port = || hop.parse().ok().map(|address: SocketAddr| address.ip());
    hop.parse().ok().or_else(bare).or_else(with_port).map(|address: IpAddr| address.to_canonical())
}

impl FromStr for TrustedProxies {
    type Err = String;

    /// Networks with commas between: `10.0.0.0/8, fd00::/8, 192.0.2.7`.
    fn from_str(text: &str) -> Result<Self, String> {
        let network = |text: &str| {
            let address = || text.parse::<IpAddr>().ok().map(|address| IpNet::from(address.to_canonical()));
            let network = text.parse().ok().or_else(address);
            // All addresses, or those of IPv4 written as IPv6, which are compared as what they are.
            let is_meant =
                |network: &IpNet| network.prefix_len() > 0 && network.addr().to_canonical() == network.addr();
            network.filter(is_meant).ok_or_else(|| format!("{text:?} is no network such as 10.0.0.0/8"))
        };
        let networks = text.split(',').map(str::trim).filter(|text| !text.is_empty());
        networks.map(network).collect::<Result<_, _>>().map(Self)
    }
}

impl FromRequestParts<Arc<Api>> for ClientAddress {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Problem> {
        let Ok(ConnectInfo(peer)) = parts.extract::<ConnectInfo<SocketAddr>>().await else {
            error!("a request without the address of its peer: serve the router with its connections' addresses");
            return Err(Problem::Internal);
        };
        let proxies = &api.admission.proxies;
        if !proxies.trust(peer.ip().to_canonical()) && parts.headers.contains_key(FORWARDED_FOR) {
            say_once_that_nobody_is_believed();
        }
        Ok(Self(proxies.client(peer.ip(), &parts.headers)))
    }
}

/// Behind a proxy that is not believed everybody is the same client, who soon may not sign up any more.
fn say_once_that_nobody_is_believed() {
    static SAID: Once = Once::new();
    SAID.call_once(|| {
        warn!(
            "a request says by X-Forwarded-For for whom it asks, and does not come from a trusted proxy: if it comes from \
             yours, name that in SIGNUP_TRUSTED_PROXIES"
        );
    });
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn client(peer: &str, lines: &[&str]) -> String {
        let proxies: TrustedProxies = "10.0.0.0/8, 127.0.0.1, fd00::/8".parse().unwrap();
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        proxies.client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn only_a_trusted_proxy_says_for_whom_it_asks() {
        assert_eq!(client("203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
        assert_eq!(client("10.1.2.3", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(client("::ffff:10.1.2.3", &["::ffff:198.51.100.1"]), "198.51.100.1");
        assert_eq!(client("fd00::1", &["2001:db8::7"]), "2001:db8::7");
        assert_eq!(client("10.1.2.3", &[]), "10.1.2.3");
    }

    #[test]
    fn it_is_the_right_most_address_that_is_no_proxy() {
        assert_eq!(client("10.0.0.1", &["1.1.1.1, 198.51.100.1, 10.0.0.2"]), "198.51.100.1");
        assert_eq!(client("10.0.0.1", &["1.1.1.1", "198.51.100.1,10.0.0.2", "10.0.0.3"]), "198.51.100.1");
        assert_eq!(client("10.0.0.1", &["10.0.0.3,10.0.0.2"]), "10.0.0.3", "only proxies: the first of them");
        let hundred = format!("6.6.6.6, {}", vec!["198.51.100.1"; 100].join(", "));
        assert_eq!(client("10.0.0.1", &[&hundred]), "198.51.100.1");
    }

    #[test]
    fn what_a_client_writes_to_the_left_hides_nobody() {
        for left in ["\u{e9}", "unknown", "", "10.0.0.9\t,\u{ff}"] {
            assert_eq!(client("10.0.0.1", &[&format!("{left}, 198.51.100.1")]), "198.51.100.1", "{left:?}");
        }
    }

    #[test]
    fn what_is_no_address_hides_nobody() {
        for nonsense in ["unknown", "", ",", "_hidden", "198.51.100.300", "\"198.51.100.1\"", "1.1.1.1, unknown"] {
            assert_eq!(client("10.0.0.1", &[nonsense]), "10.0.0.1", "{nonsense:?}");
        }
        assert_eq!(client("10.0.0.1", &["198.51.100.1:4711"]), "198.51.100.1");
        assert_eq!(client("10.0.0.1", &["[2001:db8::7]:4711"]), "2001:db8::7");
        assert_eq!(client("10.0.0.1", &["[2001:db8::7]"]), "2001:db8::7");
    }

    #[test]
    fn proxies_are_networks_or_addresses() {
        assert_eq!("".parse(), Ok(TrustedProxies::default()));
        for wrong in
            ["0.0.0.0/0", "::/0", "::ffff:10.0.0.0/104", "10.0.0.0/33", "proxy.example.com", "10.0.0.0/8;fd00::/8"]
        {
            assert!(wrong.parse::<TrustedProxies>().unwrap_err().contains("is no network"), "{wrong}");
        }
    }
}
