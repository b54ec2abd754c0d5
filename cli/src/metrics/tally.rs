//! What statistics are made of: a few of the figures that a process counts, until they are handed on.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use metrics::{
    Counter, CounterFn, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};
use metrics_exporter_prometheus::PrometheusRecorder;
use signup::statistics::{Bucket, Counted, Kind};

/// Counts for Prometheus, and some of it for statistics too.
pub(super) struct Both {
    pub(super) prometheus: PrometheusRecorder,
    pub(super) tally: Arc<Tally>,
}

/// What was counted since it was handed on last.
#[derive(Default)]
pub(crate) struct Tally {
    counts: RwLock<HashMap<What, Arc<Counts>>>,
}

/// What a figure is in statistics.
#[derive(Clone, PartialEq, Eq, Hash)]
struct What {
    kind: Kind,
    /// Of a histogram, each bucket is a word.
    word: String,
    class: String,
}

/// One count, or one for each bucket.
struct Counts(Vec<AtomicU64>);

struct CounterOfBoth(Counter, Arc<Counts>);

struct HistogramOfBoth(Histogram, Arc<Counts>);

impl Tally {
    /// Takes out what was counted.
    pub(crate) fn take(&self) -> Vec<Counted> {
        let mut taken = Vec::new();
        for (what, counts) in self.counts.read().unwrap_or_else(PoisonError::into_inner).iter() {
            for (place, count) in counts.0.iter().enumerate() {
                let count = count.swap(0, Ordering::Relaxed);
                if count > 0 {
                    let word = if counts.0.len() == 1 { what.word.clone() } else { place.to_string() };
                    taken.push(Counted { kind: what.kind, word, class: what.class.clone(), count });
                }
            }
        }
        taken.sort();
        taken
    }

    fn of(&self, what: What, places: usize) -> Arc<Counts> {
        if let Some(counts) = self.counts.read().unwrap_or_else(PoisonError::into_inner).get(&what) {
            return Arc::clone(counts);
        }
        let mut all = self.counts.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(what).or_insert_with(|| Arc::new(Counts::new(places))))
    }
}

impl Counts {
    fn new(places: usize) -> Self {
        Self((0..places).map(|_| AtomicU64::new(0)).collect())
    }

    fn add(&self, place: usize, by: u64) {
        if let Some(count) = self.0.get(place) {
            count.fetch_add(by, Ordering::Relaxed);
        }
    }
}

impl What {
    fn of(key: &Key) -> Option<Self> {
        let label = |name: &str| {
            let label = key.labels().find(|label| label.key() == name);
            label.map(|label| label.value().to_owned()).unwrap_or_default()
        };
        let (kind, word, class) = match key.name() {
            "signup_requests_total" => (Kind::Asked, label("answer"), label("class")),
            "signup_saga_ended_total" => (Kind::Ended, label("outcome"), label("class")),
            "signup_saga_turned_back_total" => {
                (Kind::TurnedBack, format!("{} {}", label("step"), label("code")), String::new())
            }
            "signup_saga_attempts_total" if label("outcome") == "done" => (Kind::Done, label("step"), String::new()),
            "signup_accept_duration_seconds" => (Kind::Accepting, String::new(), String::new()),
            "signup_saga_duration_seconds" if label("outcome") == "completed" => {
                (Kind::Completing, String::new(), String::new())
            }
            _ => return None,
        };
        Some(Self { kind, word, class })
    }
}

impl CounterFn for CounterOfBoth {
    fn increment(&self, by: u64) {
        self.0.increment(by);
        self.1.add(0, by);
    }

    fn absolute(&self, value: u64) {
        self.0.absolute(value);
    }
}

impl HistogramFn for HistogramOfBoth {
    fn record(&self, seconds: f64) {
        self.0.record(seconds);
        let took = Duration::try_from_secs_f64(seconds).unwrap_or_default();
        self.1.add(Bucket::of(took).place(), 1);
    }
}

impl Recorder for Both {
    fn describe_counter(&self, name: KeyName, unit: Option<Unit>, help: SharedString) {
        self.prometheus.describe_counter(name, unit, help);
    }

    fn describe_gauge(&self, name: KeyName, unit: Option<Unit>, help: SharedString) {
        self.prometheus.describe_gauge(name, unit, help);
    }

    fn describe_histogram(&self, name: KeyName, unit: Option<Unit>, help: SharedString) {
        self.prometheus.describe_histogram(name, unit, help);
    }

    fn register_counter(&self, key: &Key, metadata: &Metadata<'_>) -> Counter {
        let counter = self.prometheus.register_counter(key, metadata);
        let Some(what) = What::of(key) else { return counter };
        Counter::from_arc(Arc::new(CounterOfBoth(counter, self.tally.of(what, 1))))
    }

    fn register_gauge(&self, key: &Key, metadata: &Metadata<'_>) -> Gauge {
        self.prometheus.register_gauge(key, metadata)
    }

    fn register_histogram(&self, key: &Key, metadata: &Metadata<'_>) -> Histogram {
        let histogram = self.prometheus.register_histogram(key, metadata);
        let Some(what) = What::of(key) else { return histogram };
        Histogram::from_arc(Arc::new(HistogramOfBoth(histogram, self.tally.of(what, Bucket::COUNT))))
    }
}

#[cfg(test)]
mod tests {
    use metrics::{counter, histogram, with_local_recorder};
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;

    #[test]
    fn what_statistics_are_made_of_is_taken_out_once_and_prometheus_keeps_it() {
        let both = Both { prometheus: PrometheusBuilder::new().build_recorder(), tally: Arc::default() };
        let (handle, tally) = (both.prometheus.handle(), Arc::clone(&both.tally));
        with_local_recorder(&both, || {
            for _ in 0..2 {
                counter!("signup_requests_total", "answer" => "accepted", "class" => "gmail").increment(2);
                counter!("signup_saga_ended_total", "outcome" => "failed", "code" => "a", "class" => "gmail")
                    .increment(1);
            }
            counter!("signup_saga_ended_total", "outcome" => "failed", "code" => "b", "class" => "gmail").increment(1);
            counter!("signup_shed_total", "reason" => "queue").increment(1);
            histogram!("signup_accept_duration_seconds").record(Duration::from_millis(3));
            histogram!("signup_saga_duration_seconds", "outcome" => "failed").record(Duration::from_millis(3));
        });
        let counted =
            |kind, word: &str, class: &str, count| Counted { kind, word: word.into(), class: class.into(), count };
        let place = Bucket::of(Duration::from_millis(3)).place().to_string();
        let expected = [
            counted(Kind::Asked, "accepted", "gmail", 4),
            counted(Kind::Accepting, &place, "", 1),
            counted(Kind::Ended, "failed", "gmail", 3),
        ];
        assert_eq!(tally.take(), expected);
        assert!(tally.take().is_empty());
        assert!(handle.render().contains("signup_requests_total{answer=\"accepted\",class=\"gmail\"} 4"));
    }
}
