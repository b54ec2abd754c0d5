//! Medians and rates.

use std::time::Duration;

/// The middle one; of an even number, the upper of the two. Zero of none.
pub fn median<T: PartialOrd + Copy + Default>(mut values: Vec<T>) -> T {
    values.sort_by(|one, other| one.partial_cmp(other).unwrap_or(std::cmp::Ordering::Equal));
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// The least that is not less than so many hundredths of them. Zero of none.
pub fn quantile<T: Ord + Copy + Default>(hundredths: usize, mut values: Vec<T>) -> T {
    values.sort_unstable();
    let rank = (values.len() * hundredths).div_ceil(100);
    values.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

/// So many in a second.
pub fn rate(count: usize, took: Duration) -> f64 {
    float(count) / took.as_secs_f64().max(f64::EPSILON)
}

/// A count as a number to divide.
pub fn float(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_the_least_that_so_many_do_not_exceed() {
        let hundred: Vec<u32> = (1..=100).rev().collect();
        assert_eq!([1, 50, 95, 100].map(|part| quantile(part, hundred.clone())), [1, 50, 95, 100]);
        assert_eq!((quantile(50, vec![7, 9]), quantile(95, vec![7, 9]), quantile(50, vec![0; 0])), (7, 9, 0));
    }
}
