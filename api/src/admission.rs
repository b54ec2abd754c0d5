//! Who may ask how often.

use std::net::IpAddr;

use limits::{Decision, Limiter, Taken};
use signup::{EmailAddress, HashKey};

use crate::{Quotas, TrustedProxies};

/// Who may ask how often.
#[derive(Debug)]
pub struct Admission {
    /// How often they have asked.
    pub limiter: Limiter,
    /// How often they may.
    pub quotas: Quotas,
    /// Who is believed where they say for whom they ask.
    pub proxies: TrustedProxies,
}

impl Admission {
    /// Whether one more sign-up may be asked for from this address, with this e-mail: then it counts.
    pub(crate) async fn of(&self, key: &HashKey, address: IpAddr, email: &EmailAddress) -> (Decision, Option<Taken>) {
        self.limiter.take(&self.quotas.buckets(key, address, email)).await
    }
}
