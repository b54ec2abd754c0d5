//! A primary and its standby.

use servers::{Durability, Mode, Postgres, Proxy, Replication, Standby};

/// Two addresses that stay, and behind them servers that come and go: a primary and its standby.
pub(crate) struct Pair {
    addresses: [Proxy; 2],
    /// Which of them leads to the primary.
    at: usize,
    pub(crate) primary: Postgres,
    pub(crate) standby: Option<Standby>,
    replication: Replication,
}

/// What becomes of a primary.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Loss {
    Killed,
    /// It lives, and nobody hears of it.
    CutOff,
}

impl Pair {
    pub(crate) fn start(replication: Replication) -> Self {
        let primary = Postgres::start(Durability::None).unwrap();
        let mut standby = Standby::of(&primary, replication).unwrap();
        let addresses = [primary.port(), standby.server().port()].map(|port| Proxy::to(port).unwrap());
        Self { addresses, at: 0, primary, standby: Some(standby), replication }
    }

    /// Of both, the standby's first: whoever is content with the first that answers finds the wrong one.
    pub(crate) fn urls(&self) -> String {
        let url = self.primary.url("postgres");
        format!("{},{}", self.addresses[1 - self.at].url(&url), self.addresses[self.at].url(&url))
    }

    pub(crate) fn lose_the_primary(&mut self, loss: Loss) {
        match loss {
            Loss::Killed => self.primary.kill().unwrap(),
            Loss::CutOff => self.addresses[self.at].set(Mode::BlackHole).unwrap(),
        }
    }

    /// The standby takes the primary's place, which is seen to be gone.
    pub(crate) fn promote(&mut self) {
        self.primary = self.standby.take().unwrap().promote().unwrap();
        self.at = 1 - self.at;
    }

    /// The primary gets another standby, at the address of the one that was lost.
    pub(crate) fn follow(&mut self) {
        let mut standby = Standby::of(&self.primary, self.replication).unwrap();
        let address = &self.addresses[1 - self.at];
        address.redirect(standby.server().port());
        address.reset();
        address.set(Mode::Pass).unwrap();
        self.standby = Some(standby);
    }
}
