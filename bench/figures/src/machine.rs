//! What the figures were measured on.

use std::fs::{self, File};
use std::io::Write;
use std::num::NonZero;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use crate::stats::median;
use crate::table::{millis, print};

/// Syncs that are timed.
const SYNCS: u64 = 31;
/// What is written before each.
const BLOCK: [u8; 8192] = [0; 8192];

/// This machine, as far as it matters to the figures.
#[derive(Debug)]
pub struct Machine {
    cores: usize,
    model: String,
    memory: String,
    kernel: String,
    load: String,
    sync: Duration,
}

impl Machine {
    /// Looks at it, and times its disk.
    ///
    /// # Errors
    /// If the temporary folder cannot be written to.
    pub fn look() -> anyhow::Result<Self> {
        let about = |file: &str, name: &str| {
            let text = fs::read_to_string(file).unwrap_or_default();
            let line = text.lines().find(|line| line.starts_with(name)).map(str::to_owned);
            line.and_then(|line| Some(line.split_once(':')?.1.trim().to_owned()))
                .unwrap_or_else(|| "unknown".to_owned())
        };
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        Ok(Self {
            cores: cores(),
            model: about("/proc/cpuinfo", "model name"),
            memory: about("/proc/meminfo", "MemTotal"),
            kernel: kernel.trim().to_owned(),
            load: load.split(' ').next().unwrap_or("unknown").to_owned(),
            sync: sync()?,
        })
    }

    /// Prints it, before the figures.
    pub fn print(&self) {
        print(&format!(
            "machine: {} cores of {}, memory {}, Linux {}\n\
             before:  load {} (other work disturbs all figures where this is not near 0), one sync of the disk {}\n\n",
            self.cores,
            self.model,
            self.memory,
            self.kernel,
            self.load,
            millis(self.sync)
        ));
    }
}

/// Cores that this process may use.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}

/// What it takes to write a block over another one and have it on the disk.
fn sync() -> anyhow::Result<Duration> {
    let mut file: File = tempfile::tempfile()?;
    file.write_all(&BLOCK)?;
    file.sync_all()?;
    let once = |_| {
        let begun = Instant::now();
        file.write_all_at(&BLOCK, 0)?;
        file.sync_data()?;
        anyhow::Ok(begun.elapsed())
    };
    Ok(median((0..SYNCS).map(once).collect::<Result<_, _>>()?))
}
