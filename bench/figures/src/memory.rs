//! How much memory a process has.

use std::fs;

use anyhow::{Context, ensure};

/// How much memory a process has, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// Now.
    pub resident: u64,
    /// The most that it has had since it began.
    pub peak: u64,
}

impl Memory {
    /// What the system tells of this process.
    ///
    /// # Errors
    /// If the process has ended.
    pub fn of(pid: u32) -> anyhow::Result<Self> {
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let memory = Self { resident: bytes(&status, "VmRSS:")?, peak: bytes(&status, "VmHWM:")? };
        ensure!(memory.resident > 0, "the process has ended");
        Ok(memory)
    }
}

fn bytes(status: &str, name: &str) -> anyhow::Result<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix("kB"));
    let kibibytes = kibibytes.with_context(|| format!("no {name} in kB: the process has ended"))?;
    Ok(kibibytes.trim().parse::<u64>()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_memory_and_never_had_less_at_its_peak() {
        let status = "VmPeak:\t    9000 kB\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n";
        assert_eq!((bytes(status, "VmRSS:").unwrap(), bytes(status, "VmHWM:").unwrap()), (1 << 20, 2 << 20));
        let own = Memory::of(std::process::id()).unwrap();
        assert!(own.peak >= own.resident, "{own:?}");
        assert!(bytes("State:\tZ (zombie)\n", "VmRSS:").is_err());
    }
}
