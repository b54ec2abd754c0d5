//! A process' own count.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::{Bucket, Decision, Standing};

/// Buckets of a generation. There are two at most: the ones last used in the older are forgotten when the younger is full.
const GENERATION: usize = 200_000;

/// A process' own count. Its memory is bounded: of more buckets than fit it forgets those used least lately.
#[derive(Debug, Default)]
pub(crate) struct Own(Mutex<Buckets>);

/// When something was taken, from all its buckets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Taken(Instant);

/// When something was taken from a bucket, oldest first: as many as its quota allows at most.
type Times = VecDeque<Instant>;
type Name = (&'static str, u128);

#[derive(Debug, Default)]
struct Buckets {
    young: HashMap<Name, Times>,
    old: HashMap<Name, Times>,
}

impl Own {
    /// Takes from all of these buckets, if each has something left.
    pub(crate) fn take(&self, buckets: &[Bucket]) -> (Decision, Option<Taken>) {
        let now = Instant::now();
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut standings: Vec<_> = buckets.iter().map(|bucket| standing(bucket, all.look(bucket, now), now)).collect();
        let allowed = standings.iter().all(|standing| standing.left > 0);
        if allowed {
            for (bucket, before) in buckets.iter().zip(&mut standings) {
                let times = all.times(bucket);
                times.push_back(now);
                *before = standing(bucket, Some(times), now);
            }
        }
        (Decision { allowed, standings }, allowed.then_some(Taken(now)))
    }

    /// Gives back what was taken from these buckets.
    pub(crate) fn give_back(&self, buckets: &[Bucket], taken: Taken) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for bucket in buckets {
            let Some(times) = all.look(bucket, Instant::now()) else { continue };
            if let Some(index) = times.iter().rposition(|time| *time == taken.0) {
                times.remove(index);
            }
        }
    }
}

impl Buckets {
    /// What was taken from a bucket within its window, if anything ever was. Looking forgets no other: what is refused
    /// leaves nothing here.
    fn look(&mut self, bucket: &Bucket, now: Instant) -> Option<&mut Times> {
        let name = name(bucket);
        let times = if self.young.contains_key(&name) { self.young.get_mut(&name) } else { self.old.get_mut(&name) }?;
        while times.front().is_some_and(|time| now.duration_since(*time) >= bucket.quota.window) {
            times.pop_front();
        }
        Some(times)
    }

    /// A bucket to take from, which becomes one of the young.
    fn times(&mut self, bucket: &Bucket) -> &mut Times {
        let name = name(bucket);
        let old = self.old.remove(&name);
        if self.young.len() >= GENERATION && !self.young.contains_key(&name) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.entry(name).or_insert_with(|| old.unwrap_or_default())
    }
}

fn name(bucket: &Bucket) -> Name {
    (bucket.quota.name, bucket.whose)
}

fn standing(bucket: &Bucket, times: Option<&mut Times>, now: Instant) -> Standing {
    let taken = times.as_ref().map_or(0, |times| u32::try_from(times.len()).unwrap_or(u32::MAX));
    let oldest = times.and_then(|times| times.front().copied());
    let more_in =
        oldest.map_or(Duration::ZERO, |oldest| bucket.quota.window.saturating_sub(now.duration_since(oldest)));
    Standing { quota: bucket.quota, left: bucket.quota.limit.saturating_sub(taken), more_in }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;
    use crate::Quota;

    const SECOND: Duration = Duration::from_secs(1);
    const ADDRESS: Quota = Quota { name: "address", limit: 5, window: Duration::from_mins(1) };
    const EMAIL: Quota = Quota { name: "email", limit: 2, window: Duration::from_hours(1) };

    fn of(quota: Quota, whose: u128) -> Bucket {
        Bucket { quota, whose }
    }

    fn allowed(own: &Own, buckets: &[Bucket]) -> bool {
        own.take(buckets).0.allowed
    }

    #[tokio::test(start_paused = true)]
    async fn five_are_allowed_in_any_minute() {
        let (own, address) = (Own::default(), [of(ADDRESS, 1)]);
        for second in 0..5 {
            assert_eq!(own.take(&address).0.standings[0].left, 4 - second);
            advance(SECOND).await;
        }
        let (refused, taken) = own.take(&address);
        assert!(!refused.allowed && taken.is_none());
        assert_eq!(refused.retry_after(), 55 * SECOND, "when the first of them is a minute ago");
        advance((55 * SECOND).saturating_sub(Duration::from_nanos(1))).await;
        assert!(!allowed(&own, &address));
        advance(Duration::from_nanos(1)).await;
        assert!(allowed(&own, &address));
        assert!(!allowed(&own, &address), "one is a minute ago, and no more");
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_refused_by_one_bucket_takes_from_none() {
        let own = Own::default();
        let both = |address| [of(ADDRESS, address), of(EMAIL, 7)];
        assert!(allowed(&own, &both(1)) && allowed(&own, &both(1)));
        let (refused, _) = own.take(&both(1));
        assert_eq!(refused.standings.iter().map(|standing| standing.left).collect::<Vec<_>>(), [3, 0]);
        assert_eq!(refused.retry_after(), EMAIL.window);
        assert_eq!(own.take(&[of(ADDRESS, 1)]).0.standings[0].left, 2);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_given_back_can_be_taken_again() {
        let (own, email) = (Own::default(), [of(EMAIL, 7)]);
        let taken = own.take(&email).1.unwrap();
        advance(SECOND).await;
        assert!(allowed(&own, &email));
        own.give_back(&email, taken);
        assert!(allowed(&own, &email));
        assert!(!allowed(&own, &email));
    }

    #[tokio::test(start_paused = true)]
    async fn the_buckets_used_least_lately_are_forgotten() {
        let own = Own::default();
        let once = |whose| [of(Quota { limit: 1, ..ADDRESS }, whose)];
        for whose in 0..=2 * GENERATION as u128 {
            assert!(allowed(&own, &once(whose)));
        }
        {
            let buckets = own.0.lock().unwrap();
            assert!(buckets.young.len() <= GENERATION && buckets.old.len() <= GENERATION);
        }
        assert!(allowed(&own, &once(1)), "forgotten");
        assert!(!allowed(&own, &once(2 * GENERATION as u128)));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_refused_makes_nobody_be_forgotten() {
        let own = Own::default();
        let both = |whose| [of(Quota { limit: 1, ..ADDRESS }, 1), of(EMAIL, whose)];
        assert!(allowed(&own, &both(0)));
        for whose in 1..=2 * GENERATION as u128 {
            assert!(!allowed(&own, &both(whose)));
        }
        assert!(!allowed(&own, &both(0)));
        assert_eq!(own.0.lock().unwrap().young.len(), 2);
    }
}
