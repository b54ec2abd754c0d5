//! What a process counts: installed here, listed in [`list`], and counted where it happens.

mod list;
#[cfg(test)]
mod page;
mod tally;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use metrics::{Unit, describe_counter, describe_gauge, describe_histogram, gauge, set_global_recorder};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use self::list::{Kind, Metric};
use self::tally::Both;
pub(crate) use self::tally::Tally;

/// The bounds of every histogram, in seconds: from a look into a cache to a saga that waits for its retries.
const BOUNDS: [f64; 16] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0];
/// Between two times at which what was measured is put into its histograms, if nobody asks for it.
const UPKEEP: Duration = Duration::from_secs(5);

/// What a process counts.
pub(crate) struct Metrics {
    /// All of it, for Prometheus.
    pub(crate) page: PrometheusHandle,
    /// What statistics are made of.
    pub(crate) tally: Arc<Tally>,
}

/// Starts counting. Once in a process, within its runtime.
pub(crate) fn start(role: &'static str) -> anyhow::Result<Metrics> {
    let builder = PrometheusBuilder::new().set_buckets(&BOUNDS).context("nothing can be counted")?;
    let (prometheus, tally) = (builder.build_recorder(), Arc::<Tally>::default());
    let page = prometheus.handle();
    let both = Both { prometheus, tally: Arc::clone(&tally) };
    // It is refused a second time alone, and shows what is kept in it no more than its type.
    set_global_recorder(both).map_err(|_| anyhow!("nothing can be counted: something else counts already"))?;
    list::ALL.iter().for_each(Metric::describe);
    gauge!("signup_build_info", "version" => env!("CARGO_PKG_VERSION"), "role" => role).set(1);
    let upkeep = page.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(UPKEEP).await;
            upkeep.run_upkeep();
        }
    });
    Ok(Metrics { page, tally })
}

impl Metric {
    fn describe(&self) {
        match self.kind {
            Kind::Counter => describe_counter!(self.name, Unit::Count, self.help),
            Kind::Gauge => describe_gauge!(self.name, self.help),
            Kind::Histogram => describe_histogram!(self.name, Unit::Seconds, self.help),
        }
    }
}
