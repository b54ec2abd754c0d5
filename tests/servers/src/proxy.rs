//! A network that does what a test tells it, between a client and a server.

mod gate;
mod link;
mod network;
mod pump;
mod state;
mod statements;
mod trap;

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::Context;

use self::gate::Gate;
use self::network::Network;
pub use self::trap::Pattern;
use self::trap::{Action, Trap};
use crate::start::on_free_port;

/// What becomes of what is sent, and of whoever connects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It arrives.
    Pass,
    /// It arrives so much later, each way: for conversations, as no more than 64 KiB is on its way at a time.
    Delay(Duration),
    /// It arrives once the mode is another one: an outage that ends before anybody gives up.
    Hold,
    /// It is lost, while connections stay and new ones are taken. A connection that lost anything, its end included,
    /// remains dead in later modes, as does one that was made meanwhile: nothing tells either side.
    BlackHole,
    /// Nobody can connect; existing connections are served.
    Refuse,
}

/// What has passed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Connections made to the server.
    pub connections: u64,
    /// To the server.
    pub up: Flow,
    /// From the server.
    pub down: Flow,
    /// What was dropped, whichever way. The end of what somebody says is a piece too, without bytes.
    pub lost: Flow,
}

/// An amount of what is sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flow {
    /// Bytes.
    pub bytes: u64,
    /// Pieces they came in: of somebody who waits for an answer each time, about one for each message.
    pub pieces: u64,
}

/// A port of the loopback address that leads to another one. It begins in [`Mode::Pass`]; with the value that stands
/// for it all its connections are reset.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    gate: Arc<Gate>,
    network: Arc<Network>,
    porter: Option<JoinHandle<()>>,
}

impl Proxy {
    /// One that leads to this port.
    ///
    /// # Errors
    /// If there is no port or no thread for it.
    pub fn to(target: u16) -> anyhow::Result<Self> {
        let (port, gate) = on_free_port(|port| Ok((port, Gate::open(port)?))).context("no port for a proxy")?;
        let (gate, network) = (Arc::new(gate), Arc::new(Network::new(target)));
        let porter = {
            let (gate, network) = (Arc::clone(&gate), Arc::clone(&network));
            thread::Builder::new().name("proxy".to_owned()).spawn(move || gate.serve(&network))?
        };
        Ok(Self { port, gate, network, porter: Some(porter) })
    }

    /// Its port on the loopback address.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The URL of a server on the loopback address, with its own port in place of the server's.
    pub fn url(&self, url: &str) -> String {
        const HOST: &str = "127.0.0.1:";
        let Some((before, after)) = url.split_once(HOST) else { return url.to_owned() };
        format!("{before}{HOST}{}{}", self.port, after.trim_start_matches(|digit: char| digit.is_ascii_digit()))
    }

    /// What becomes of everything from now on, on existing connections too.
    ///
    /// # Errors
    /// If the port cannot be closed or opened.
    pub fn set(&self, mode: Mode) -> anyhow::Result<()> {
        if mode == Mode::Refuse {
            self.network.set(mode);
            return self.gate.shut();
        }
        self.network.set(mode);
        self.gate.reopen()?;
        self.network.wake();
        Ok(())
    }

    /// Leads new connections to another port.
    pub fn redirect(&self, target: u16) {
        self.network.redirect(target);
    }

    /// Resets all connections, towards both sides; they are gone when this returns.
    pub fn reset(&self) {
        self.network.reset();
    }

    /// Tells every client that the server has said its last word. What clients say still reaches the server.
    pub fn half_close(&self) {
        self.network.half_close();
    }

    /// Once, on whichever connection it comes first: lets a request with this pattern pass, drops the first that the
    /// server says then, and resets the client's connection.
    ///
    /// What the server says is taken for the answer. That is so if the client waits for each answer, as `PostgreSQL`'s
    /// do, and if the answer begins when the work is done: a `PostgreSQL` server sends more than 8 KiB sooner.
    pub fn swallow_reply(&self, after: impl Into<Pattern>) {
        self.network.arm(Trap { pattern: after.into(), action: Action::SwallowReply });
    }

    /// Once, on whichever connection it comes first: resets the client's connection instead of letting a request with
    /// this pattern pass. With it goes whatever came in the same piece.
    pub fn cut_before(&self, pattern: impl Into<Pattern>) {
        self.network.arm(Trap { pattern: pattern.into(), action: Action::CutBefore });
    }

    /// Forgets what [`Proxy::swallow_reply`] and [`Proxy::cut_before`] have not found yet.
    pub fn disarm(&self) {
        self.network.disarm();
    }

    /// How many replies have been swallowed and requests been cut.
    pub fn sprung(&self) -> u64 {
        self.network.sprung()
    }

    /// Of each client who has said something that is held in [`Mode::Hold`]: the `PostgreSQL` statements that it executes.
    pub fn held(&self) -> Vec<Vec<String>> {
        self.network.held()
    }

    /// What has passed.
    pub fn traffic(&self) -> Traffic {
        self.network.traffic()
    }

    /// How many connections there are, dead ones included.
    pub fn connections(&self) -> usize {
        self.network.connections()
    }
}

impl Flow {
    fn add(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
        self.pieces += 1;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.network.close();
        let _ = self.gate.shut();
        if let Some(porter) = self.porter.take() {
            let _ = porter.join();
        }
        self.network.reset();
    }
}
