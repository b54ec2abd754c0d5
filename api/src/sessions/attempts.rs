//! How often passwords may be tried.

use std::net::IpAddr;
use std::time::Duration;

use limits::{Bucket, Quota, Taken};
use metrics::counter;
use signup::{EmailAddress, HashKey};
use tokio::time::sleep;

use crate::Admission;
use crate::problem::Problem;
use crate::quotas::{self, seconds};

/// Attempts of one client's address in any minute; attempts that succeed do not count. An office behind one address does
/// not need more, and the networks around an address of IPv6 have more, as for sign-ups.
const OF_AN_ADDRESS: u32 = 30;
const MINUTE: Duration = Duration::from_mins(1);
/// Attempts of one client's address with one e-mail.
const WITH_AN_EMAIL: u32 = 10;
/// Attempts of all addresses with one e-mail, from which on each is slowed down. Nobody is refused for what others do.
const FROM_EVERYWHERE: u32 = 30;
const QUARTER_OF_AN_HOUR: Duration = Duration::from_mins(15);
/// How much each is slowed down.
const SLOWER: Duration = Duration::from_secs(2);

/// An attempt at a password, which counts unless it is [told to be right](Attempts::right).
pub(crate) struct Attempts<'a> {
    admission: &'a Admission,
    counted: Vec<Taken>,
}

impl<'a> Attempts<'a> {
    /// One more attempt, from this address with this e-mail, whether it is anybody's or not.
    ///
    /// Many attempts from one address are refused. Many from everywhere are slowed down: a stranger who tries passwords
    /// cannot lock out whoever has the right one.
    pub(crate) async fn one_more(
        admission: &'a Admission,
        key: &HashKey,
        address: IpAddr,
        email: &EmailAddress,
    ) -> Result<Self, Problem> {
        let (decision, taken) = admission.limiter.take(&strict(key, address, email)).await;
        let Some(taken) = taken else {
            counter!("signup_sign_ins_refused_total", "why" => "attempts").increment(1);
            return Err(Problem::RateLimited { retry_after: seconds(decision.retry_after()) });
        };
        let mut counted = vec![taken];
        let (_, under_siege) = admission.limiter.take(&[soft(key, email)]).await;
        match under_siege {
            Some(taken) => counted.push(taken),
            None => sleep(SLOWER).await,
        }
        Ok(Self { admission, counted })
    }

    /// It was right, or could not be judged: it does not count.
    pub(crate) async fn right(self) {
        for taken in self.counted {
            self.admission.limiter.give_back(taken).await;
        }
    }
}

fn strict(key: &HashKey, address: IpAddr, email: &EmailAddress) -> Vec<Bucket> {
    let mut buckets =
        quotas::of_an_address(key, address, ["attempts", "attempts-network", "attempts-site"], OF_AN_ADDRESS, MINUTE);
    let quota = Quota { name: "attempts-email", limit: WITH_AN_EMAIL, window: QUARTER_OF_AN_HOUR };
    buckets.push(Bucket { quota, whose: quotas::whose_both(key, address, email) });
    buckets
}

fn soft(key: &HashKey, email: &EmailAddress) -> Bucket {
    let quota = Quota { name: "attempts-everywhere", limit: FROM_EVERYWHERE, window: QUARTER_OF_AN_HOUR };
    Bucket { quota, whose: quotas::whose(key, email.key().as_bytes()) }
}
