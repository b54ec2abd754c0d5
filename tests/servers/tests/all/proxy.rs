//! A network that fails.

mod modes;
mod traps;

use std::io::{Error, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use servers::{Proxy, Redis, RedisOptions};

/// A server, and a network to it.
struct Place {
    server: Redis,
    proxy: Proxy,
}

impl Place {
    fn new() -> Self {
        let server = Redis::start(&RedisOptions::default()).unwrap();
        let proxy = Proxy::to(server.port()).unwrap();
        Self { server, proxy }
    }

    fn client(&self) -> Client {
        Client::of(&self.proxy).unwrap()
    }

    /// What a counter is at, past the network.
    fn counter(&self) -> i64 {
        self.server.command(&["INCRBY", "n", "0"]).unwrap().number().unwrap()
    }
}

/// A client that counts.
struct Client(TcpStream);

impl Client {
    fn of(proxy: &Proxy) -> Result<Self, Error> {
        let stream = TcpStream::connect(("127.0.0.1", proxy.port()))?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        Ok(Self(stream))
    }

    fn say(&mut self, words: &str) -> Result<(), Error> {
        self.0.write_all(words.as_bytes())
    }

    /// A line; empty at the end of the connection.
    fn hear(&mut self) -> Result<String, Error> {
        let mut line = Vec::new();
        let mut byte = [0];
        while !line.ends_with(b"\r\n") && self.0.read(&mut byte)? == 1 {
            line.extend(byte);
        }
        Ok(String::from_utf8(line).unwrap().trim_end().to_owned())
    }

    fn count(&mut self) -> Result<String, Error> {
        self.say("INCR n\r\n")?;
        self.hear()
    }

    /// Waits so long for something to hear, in vain.
    fn hears_nothing(&mut self) {
        self.0.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        assert_eq!(self.hear().unwrap_err().kind(), ErrorKind::WouldBlock);
        self.0.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    }

    fn is_reset(&mut self) {
        assert_eq!(self.hear().unwrap_err().kind(), ErrorKind::ConnectionReset);
    }
}
