//! Where people reach the service.

use std::net::SocketAddr;
use std::str::FromStr;

use accounts::Issuer;
use reqwest::Url;

/// Under which URL people reach the service: scheme, host and port, written as browsers write an origin
/// (<https://html.spec.whatwg.org/#ascii-serialisation-of-an-origin>).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OwnOrigin(String);

impl OwnOrigin {
    /// The origin of a service that nothing is in front of, and that listens there.
    pub(crate) fn at(address: SocketAddr) -> Self {
        let (ip, port) = (address.ip(), address.port());
        let named = ip.is_unspecified().then(|| format!("localhost:{port}"));
        let host = named.unwrap_or_else(|| SocketAddr::new(ip, port).to_string());
        Self(format!("http://{}", host.strip_suffix(":80").unwrap_or(&host)))
    }

    /// Who issues access tokens, and whom they are for: the service itself.
    pub(crate) fn issuer(&self) -> Issuer {
        Issuer { issuer: self.0.clone(), audience: self.0.clone() }
    }
}

impl FromStr for OwnOrigin {
    type Err = String;

    /// Takes an origin however it is written, and nothing that is more than one. What was given is shown only if nothing
    /// secret can be in it.
    fn from_str(text: &str) -> Result<Self, String> {
        let Some((scheme, authority)) = text.split_once("://") else { return Err(format!("{text:?} is no URL")) };
        if authority.contains('@') {
            return Err("it has a user or a password, which nobody may see".to_owned());
        }
        if !["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
            return Err(format!("{text:?} is neither http nor https"));
        }
        if authority.contains(['/', '\\', '?', '#']) {
            return Err(format!("{text:?} goes on after the host"));
        }
        // The parser passes over some of these, and takes others for a part of the name.
        let is_plain = !authority.contains(|c: char| c.is_whitespace() || c.is_control() || c == '*');
        let url = Url::parse(text).ok().filter(|_| is_plain);
        let url = url.ok_or_else(|| format!("{text:?} is no URL"))?;
        Ok(Self(url.origin().ascii_serialization()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, String> {
        text.parse().map(|OwnOrigin(origin)| origin)
    }

    #[test]
    fn one_origin_is_written_in_one_way() {
        for (text, origin) in [
            ("https://signup.example.com", "https://signup.example.com"),
            ("HTTPS://Signup.Example.COM:443", "https://signup.example.com"),
            ("http://localhost:80", "http://localhost"),
            ("http://localhost:8080", "http://localhost:8080"),
            ("https://signup.example.com:08443", "https://signup.example.com:8443"),
            ("https://b\u{fc}cher.example", "https://xn--bcher-kva.example"),
            ("http://[0:0:0:0:0:0:0:1]:8080", "http://[::1]:8080"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(origin));
            assert_eq!(read(origin).as_deref(), Ok(origin), "read again it is the same");
        }
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for (text, what) in [
            ("", "is no URL"),
            ("signup.example.com", "is no URL"),
            ("localhost:8080", "is no URL"),
            ("https://", "is no URL"),
            ("https://:8443", "is no URL"),
            ("https://[::1", "is no URL"),
            ("https://signup.example.com:65536", "is no URL"),
            ("https://signup.example .com", "is no URL"),
            ("https://signup.\nexample.com", "is no URL"),
            ("https://*.example.com", "is no URL"),
            (" https://signup.example.com", "neither http nor https"),
            ("ftp://signup.example.com", "neither http nor https"),
            ("https://signup.example.com/", "goes on after the host"),
            ("https://signup.example.com/api", "goes on after the host"),
            ("https://signup.example.com?x", "goes on after the host"),
            ("https://signup.example.com#x", "goes on after the host"),
            ("https:///signup.example.com", "goes on after the host"),
        ] {
            let said = read(text).unwrap_err();
            assert!(said.contains(what) && !said.contains('\n'), "{text}: {said}");
        }
        for text in ["https://user:canary@signup.example.com", "ftp://canary@x"] {
            let said = read(text).unwrap_err();
            assert!(said.contains("a user or a password") && !said.contains("canary"), "{said}");
        }
    }

    #[test]
    fn an_address_to_listen_on_is_an_origin() {
        for (address, origin) in [
            ("127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("127.0.0.1:80", "http://127.0.0.1"),
            ("127.0.0.1:8180", "http://127.0.0.1:8180"),
            ("0.0.0.0:8080", "http://localhost:8080"),
            ("[::]:80", "http://localhost"),
            ("[::1]:8080", "http://[::1]:8080"),
            ("[::1]:80", "http://[::1]"),
        ] {
            let own = OwnOrigin::at(address.parse().unwrap());
            assert_eq!(own, OwnOrigin(origin.to_owned()));
            assert_eq!(read(origin), Ok(own.0.clone()), "as it would be given");
            assert_eq!(own.issuer(), Issuer { issuer: origin.to_owned(), audience: origin.to_owned() });
        }
    }
}
