//! What a process counts, as `GET /metrics` tells it.

use ::tests::Client;

/// What a process has counted so far; nothing where it tells none.
#[derive(Debug, Default)]
pub(crate) struct Metrics(String);

impl Metrics {
    pub(crate) async fn of(client: &Client) -> Self {
        Self(client.text("/metrics").await.unwrap_or_default())
    }

    /// A count, with its labels as they are written.
    pub(crate) fn count(&self, name: &str) -> Option<f64> {
        self.0.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok())
    }
}

/// By how much a count has grown between two looks. What is not told at first has begun at nothing.
pub(crate) fn growth(name: &str, before: &Metrics, after: &Metrics) -> Option<f64> {
    after.count(name).map(|count| count - before.count(name).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_found_by_its_whole_name() {
        let text = "# HELP x_total Things.\nx_total{by=\"a\"} 7\nx_total{by=\"ab\"} 9\ny_total 3\n";
        let metrics = Metrics(text.to_owned());
        assert_eq!(metrics.count("x_total{by=\"a\"}"), Some(7.0));
        assert_eq!((metrics.count("y_total"), metrics.count("x_total"), metrics.count("y")), (Some(3.0), None, None));
        assert_eq!(growth("y_total", &Metrics::default(), &metrics), Some(3.0));
        assert_eq!(growth("y_total", &metrics, &Metrics::default()), None);
    }
}
