//! How many may sign up.

use std::net::IpAddr;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use limits::{Bucket, Decision, Quota, Standing};
use signup::{EmailAddress, HashKey, Mac, Purpose};

/// How many sign-ups are asked for at most: of one client's address in any minute, and of one e-mail in any hour.
///
/// Where addresses are given out by the network (IPv6), an address is a `/64`; the wider networks around it have more,
/// but not as many as all their addresses together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quotas {
    /// In any minute, of one address; at least one.
    pub address: u32,
    /// In any hour, with one e-mail; at least one.
    pub email: u32,
}

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
/// How much more than an address a `/56` and a `/48` have.
const NETWORK: u32 = 4;
const SITE: u32 = 20;

/// The name of an e-mail's quota.
const EMAIL: &str = "email";
/// The header fields of the IETF's draft `httpapi-ratelimit-headers`.
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LEFT: HeaderName = HeaderName::from_static("ratelimit");

impl Default for Quotas {
    fn default() -> Self {
        Self { address: 5, email: 10 }
    }
}

impl Quotas {
    /// What a sign-up with this e-mail is counted in, that comes from this address.
    pub(crate) fn buckets(self, key: &HashKey, address: IpAddr, email: &EmailAddress) -> Vec<Bucket> {
        let mut buckets = of_an_address(key, address, ["address", "network", "site"], self.address, MINUTE);
        let quota = Quota { name: EMAIL, limit: self.email, window: HOUR };
        buckets.push(Bucket { quota, whose: whose(key, email.key().as_bytes()) });
        buckets
    }
}

/// What is counted of an address, under these names: one of IPv6 is a `/64`, with a `/56` and a `/48` around it.
pub(crate) fn of_an_address(
    key: &HashKey,
    address: IpAddr,
    [own, network, site]: [&'static str; 3],
    limit: u32,
    window: Duration,
) -> Vec<Bucket> {
    let bucket = |name, times, bits| Bucket {
        quota: Quota { name, limit: limit.saturating_mul(times), window },
        whose: whose(key, &prefix(address, bits)),
    };
    match address {
        IpAddr::V4(_) => vec![bucket(own, 1, 32)],
        IpAddr::V6(_) => vec![bucket(own, 1, 64), bucket(network, NETWORK, 56), bucket(site, SITE, 48)],
    }
}

/// An address, one of IPv6 as a `/64`, together with an e-mail.
pub(crate) fn whose_both(key: &HashKey, address: IpAddr, email: &EmailAddress) -> u128 {
    let bits = if address.is_ipv4() { 32 } else { 64 };
    short(&key.mac(Purpose::Limit, &[&prefix(address, bits), email.key().as_bytes()]))
}

/// A keyed hash: neither addresses nor e-mails are kept.
pub(crate) fn whose(key: &HashKey, what: &[u8]) -> u128 {
    short(&key.mac(Purpose::Limit, &[what]))
}

fn short(Mac(mac): &Mac) -> u128 {
    mac.iter().take(16).fold(0, |whose, byte| whose << 8 | u128::from(*byte))
}

/// The first bits of an address.
fn prefix(address: IpAddr, bits: u32) -> Vec<u8> {
    let bytes = match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    bytes.into_iter().take(bits as usize / 8).collect()
}

/// What a client is told of where it stands.
pub(crate) fn headers(decision: &Decision) -> HeaderMap {
    told(&decision.standings.iter().collect::<Vec<_>>())
}

/// The same, without the e-mail.
pub(crate) fn headers_of_the_address(decision: &Decision) -> HeaderMap {
    told(&decision.standings.iter().filter(|standing| standing.quota.name != EMAIL).collect::<Vec<_>>())
}

fn told(standings: &[&Standing]) -> HeaderMap {
    let list = |item: fn(&&Standing) -> String| {
        let items: Vec<String> = standings.iter().map(item).collect();
        HeaderValue::try_from(items.join(", ")).ok()
    };
    let policy =
        list(|Standing { quota, .. }| format!("{:?};q={};w={}", quota.name, quota.limit, quota.window.as_secs()));
    let left =
        list(|standing| format!("{:?};r={};t={}", standing.quota.name, standing.left, seconds(standing.more_in)));
    [(POLICY, policy), (LEFT, left)].into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// In whole seconds, not less.
pub(crate) fn seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buckets(address: &str, email: &str) -> Vec<Bucket> {
        let email = EmailAddress::parse(email).unwrap();
        Quotas::default().buckets(&HashKey::new([1; 32]), address.parse().unwrap(), &email)
    }

    fn limits(buckets: &[Bucket]) -> Vec<(&'static str, u32, u64)> {
        buckets.iter().map(|Bucket { quota, .. }| (quota.name, quota.limit, quota.window.as_secs())).collect()
    }

    #[test]
    fn an_address_an_e_mail_and_the_networks_around_have_their_own() {
        let old = buckets("198.51.100.1", "ada@example.com");
        assert_eq!(limits(&old), [("address", 5, 60), ("email", 10, 3600)]);
        let new = buckets("2001:db8::1", "ada@example.com");
        assert_eq!(limits(&new), [("address", 5, 60), ("network", 20, 60), ("site", 100, 60), ("email", 10, 3600)]);
        assert_eq!(old[1], new[3]);
        assert_ne!(old[0].whose, buckets("198.51.100.2", "ada@example.com")[0].whose);
        assert_eq!(old[1].whose, buckets("198.51.100.2", "ADA@example.com")[1].whose, "the same e-mail");
    }

    #[test]
    fn nobody_has_more_by_having_many_addresses() {
        let shared = |one: &str, other: &str| {
            let (one, other) = (buckets(one, "ada@example.com"), buckets(other, "ada@example.com"));
            one.iter().zip(&other).map(|(one, other)| one == other).collect::<Vec<_>>()
        };
        assert_eq!(shared("2001:db8:1:1::1", "2001:db8:1:1:ffff::2"), [true; 4]);
        assert_eq!(shared("2001:db8:1:1::1", "2001:db8:1:2::1"), [false, true, true, true]);
        assert_eq!(shared("2001:db8:1:1::1", "2001:db8:1:100::1"), [false, false, true, true]);
        assert_eq!(shared("2001:db8:1:1::1", "2001:db8:2:1::1"), [false, false, false, true]);
    }

    #[test]
    fn clients_are_told_where_they_stand() {
        let buckets = buckets("198.51.100.1", "ada@example.com");
        let standing = |left, more_in| move |bucket: &Bucket| Standing { quota: bucket.quota, left, more_in };
        let standings = buckets.iter().map(standing(0, Duration::from_millis(1001))).collect();
        let told = headers(&Decision { allowed: false, standings });
        assert_eq!(told["ratelimit-policy"], r#""address";q=5;w=60, "email";q=10;w=3600"#);
        assert_eq!(told["ratelimit"], r#""address";r=0;t=2, "email";r=0;t=2"#);
    }
}
