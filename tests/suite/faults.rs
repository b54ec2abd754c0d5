//! Each fault by itself, in real processes, with the bound that is promised for it. `docs/faults.md` lists them all.

mod backlog;
mod clocks;
mod crowd;
mod disk;
mod forgetful;
mod frozen;
mod handover;
mod journal;
mod killed;
mod network;
mod page;
mod poison;
mod replies;
mod restarts;
mod sluggish;
mod transactions;
mod zombie;

use saga::Policy;
use tests::{Cluster, Member};
use tokio::time::Duration;

use crate::load::{Sent, accepted};
use crate::site::check;

/// In whose environment this is set to a part of 1, everything that a claim may take is so much shorter.
pub(crate) const PACE: &str = saga::testing::Pace::VARIABLE;

/// A lease at this pace.
fn lease(pace: &str) -> Duration {
    Policy::STANDARD.lease.mul_f64(pace.parse().unwrap())
}

/// So many processes of either role, ready: the APIs first.
async fn members(cluster: &Cluster, apis: usize, workers: usize) -> Vec<Member> {
    let roles = (0..apis).map(|number| ("api", number)).chain((0..workers).map(|number| ("worker", number)));
    let mut members = Vec::new();
    for (role, number) in roles {
        members.push(cluster.start(role, &format!("{role}-{number}")).await.unwrap());
    }
    members
}

/// All who were accepted have signed up, and nobody else; whoever was not, was told to come again later.
async fn nothing_is_lost(url: &str, story: &[Sent]) {
    let strange: Vec<_> = story.iter().filter(|sent| sent.id().is_none() && !sent.is_put_off()).collect();
    assert!(strange.is_empty(), "{strange:?}");
    all_are_there(url, story).await;
}

/// All who were accepted have signed up, and nobody else.
async fn all_are_there(url: &str, story: &[Sent]) {
    let facts = check(url).await;
    let mut there: Vec<_> = facts.sagas.iter().map(|saga| saga.id.to_string()).collect();
    there.sort();
    assert_eq!(there, accepted(story).into_iter().map(str::to_owned).collect::<Vec<_>>());
    assert_eq!(facts.users.len(), there.len());
}
