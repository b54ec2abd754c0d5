//! How long something took, in buckets, and what of many of them is told.

use std::time::Duration;

/// How long something took, as a step of a ladder on which each is a tenth longer than the one before: what is told from it
/// is at most so much off. From 100 µs to an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bucket(u8);

/// Half, 95 % and 99 % took no longer than these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Percentiles {
    /// Half.
    pub p50: Duration,
    /// 95 %.
    pub p95: Duration,
    /// 99 %.
    pub p99: Duration,
}

impl Bucket {
    /// How many there are.
    pub const COUNT: usize = 185;
    /// What the first one reaches to.
    const FIRST: f64 = 0.0001;
    /// From one to the next.
    const RATIO: f64 = 1.1;

    /// The one that this falls into.
    pub fn of(took: Duration) -> Self {
        let most = u8::try_from(Self::COUNT - 1).unwrap_or(u8::MAX);
        let rung = (took.as_secs_f64() / Self::FIRST).log(Self::RATIO).ceil();
        (0..=most).find(|at| f64::from(*at) >= rung).map_or(Self(most), Self)
    }

    /// Its place among them, from 0.
    pub fn place(self) -> usize {
        usize::from(self.0)
    }

    /// The one at this place, if there is one.
    pub fn at(place: usize) -> Option<Self> {
        u8::try_from(place).ok().filter(|_| place < Self::COUNT).map(Self)
    }

    /// How long what falls into it took at most.
    pub fn longest(self) -> Duration {
        Duration::from_secs_f64(Self::FIRST * Self::RATIO.powi(i32::from(self.0)))
    }
}

impl Percentiles {
    /// Of so many in each bucket. `None` if there are none.
    pub fn of(buckets: &[(Bucket, u64)]) -> Option<Self> {
        let mut sorted = buckets.to_vec();
        sorted.sort_unstable();
        let all: u64 = sorted.iter().map(|(_, count)| count).sum();
        let at = |percent: u64| {
            let (rank, mut so_far) = ((all * percent).div_ceil(100), 0);
            sorted.iter().find(|(_, count)| {
                so_far += count;
                so_far >= rank
            })
        };
        let longest = |percent| at(percent).map(|(bucket, _)| bucket.longest());
        if all == 0 {
            return None;
        }
        Some(Self { p50: longest(50)?, p95: longest(95)?, p99: longest(99)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_tells_what_fell_into_it_to_a_tenth() {
        for millis in [1, 2, 17, 250, 999, 1000, 59_999, 3_000_000] {
            let took = Duration::from_millis(millis);
            let told = Bucket::of(took).longest();
            assert!(told >= took.mul_f64(0.999) && told <= took.mul_f64(1.11), "{took:?} as {told:?}");
        }
        assert_eq!(Bucket::of(Duration::ZERO).place(), 0);
        assert_eq!(Bucket::of(Duration::from_hours(100)).place(), Bucket::COUNT - 1);
        assert!(Bucket::of(Duration::from_mins(59)).place() < Bucket::COUNT - 1);
        assert!((0..Bucket::COUNT).all(|place| Bucket::at(place).unwrap().place() == place));
        assert_eq!(Bucket::at(Bucket::COUNT), None);
    }

    #[test]
    fn of_a_hundred_the_fiftieth_the_ninety_fifth_and_the_ninety_ninth_are_told() {
        let buckets: Vec<_> = (1..=100).map(|place| (Bucket::at(place).unwrap(), 1)).collect();
        let told = Percentiles::of(&buckets).unwrap();
        let longest = |place| Bucket::at(place).unwrap().longest();
        assert_eq!(told, Percentiles { p50: longest(50), p95: longest(95), p99: longest(99) });
        assert_eq!(Percentiles::of(&[]), None);
        assert_eq!(Percentiles::of(&[(Bucket::at(7).unwrap(), 1)]).unwrap().p99, longest(7));
    }
}
