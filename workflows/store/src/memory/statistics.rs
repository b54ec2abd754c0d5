//! What processes have counted.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use saga::store::Error;
use signup::statistics::{Counted, KEPT, Kind, Statistics};

use super::{Memory, between};

/// How many, by minute and what.
pub(super) type Minutes = BTreeMap<(Timestamp, Kind, String, String), u64>;

#[async_trait]
impl Statistics for Memory {
    async fn add(&self, counted: &[Counted]) -> Result<(), Error> {
        let now = self.clock.now();
        let minute = Timestamp::from_second(now.as_second() / 60 * 60).unwrap_or(now);
        let mut tables = self.lock();
        let statistics = &mut tables.statistics;
        statistics.retain(|(at, ..), _| between(*at, now) <= KEPT);
        for Counted { kind, word, class, count } in counted {
            *statistics.entry((minute, *kind, word.clone(), class.clone())).or_default() += count;
        }
        Ok(())
    }

    async fn sums(&self, within: Duration) -> Result<Vec<Counted>, Error> {
        let (now, mut sums) = (self.clock.now(), BTreeMap::new());
        for ((_, kind, word, class), count) in
            self.lock().statistics.iter().filter(|((at, ..), _)| between(*at, now) < within)
        {
            *sums.entry((*kind, word.clone(), class.clone())).or_default() += count;
        }
        Ok(sums.into_iter().map(|((kind, word, class), count)| Counted { kind, word, class, count }).collect())
    }
}
