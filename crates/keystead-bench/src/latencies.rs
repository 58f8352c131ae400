//! Latencies, every one kept.

use std::time::Duration;

/// Sorted latencies of one round.
#[derive(Clone, Debug, Default)]
pub(crate) struct Latencies(Vec<Duration>);

impl Latencies {
    /// Sorts what was measured.
    pub(crate) fn new(mut unsorted: Vec<Duration>) -> Self {
        unsorted.sort_unstable();
        Self(unsorted)
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// The smallest latency that at least the share `quantile` (0..=1) of all does not exceed, in microseconds; 0 of none.
    pub(crate) fn quantile_us(&self, quantile: f64) -> f64 {
        let rank = (quantile * self.0.len() as f64).ceil() as usize;
        self.0.get(rank.saturating_sub(1)).map_or(0.0, |latency| latency.as_secs_f64() * 1e6)
    }
}

/// The median: of an even number of values the mean of the two in the middle; 0 of none.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.into_iter().collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let (half, odd) = (sorted.len() / 2, sorted.len() % 2 == 1);
    let at = |index: usize| sorted.get(index).copied().unwrap_or_default();
    if odd || sorted.is_empty() { at(half) } else { f64::midpoint(at(half - 1), at(half)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_exact() {
        let latencies = Latencies::new((1..=100).rev().map(Duration::from_micros).collect());
        let quantiles = [0.0, 0.01, 0.5, 0.501, 0.99, 1.0].map(|quantile| latencies.quantile_us(quantile).round());
        assert_eq!((latencies.count(), quantiles), (100, [1.0, 1.0, 50.0, 51.0, 99.0, 100.0]));
        assert_eq!(Latencies::default().quantile_us(0.5), 0.0);
    }

    #[test]
    fn medians_of_odd_and_even_numbers_of_values() {
        let medians = [median([3.0, 1.0, 2.0]), median([4.0, 1.0, 3.0, 2.0]), median([7.0]), median([])];
        assert_eq!(medians, [2.0, 2.5, 7.0, 0.0]);
    }
}
