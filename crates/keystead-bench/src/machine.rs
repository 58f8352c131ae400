//! Where and of what the figures are.

use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

use crate::{Failure, disk};

/// What the figures depend on besides Keystead.
#[derive(Serialize)]
pub(crate) struct Machine {
    processors: usize,
    processor_model: Option<String>,
    memory_bytes: Option<u64>,
    kernel: Option<String>,
    /// Of the last minute, before anything was measured. More than about a half means that others used the processors too.
    load_average: Option<f64>,
    /// Appending 1 KiB to a file beside the data folders and syncing it (fdatasync).
    disk_sync_p50_us: f64,
    disk_sync_p99_us: f64,
    /// `git describe` of the folder that this was started in.
    version: Option<String>,
    measured_at_unix_seconds: u64,
}

impl Machine {
    /// Looks at this machine, and at the disk under `folder`.
    pub(crate) fn here(folder: &Path) -> Result<Self, Failure> {
        let sync = disk::probe(folder)?;
        Ok(Self {
            processors: std::thread::available_parallelism()?.get(),
            processor_model: field("/proc/cpuinfo", "model name"),
            memory_bytes: field("/proc/meminfo", "MemTotal").as_deref().and_then(bytes),
            kernel: std::fs::read_to_string("/proc/sys/kernel/osrelease").ok().map(|text| text.trim().to_owned()),
            load_average: load_average(),
            disk_sync_p50_us: sync.quantile_us(0.5),
            disk_sync_p99_us: sync.quantile_us(0.99),
            version: version(),
            measured_at_unix_seconds: SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs(),
        })
    }

    /// One line for people.
    pub(crate) fn summary(&self) -> String {
        let Self { processors, disk_sync_p50_us, disk_sync_p99_us, .. } = self;
        let text = |fact: &Option<String>| fact.clone().unwrap_or_else(|| "unknown".to_owned());
        format!(
            "{} on {processors} x {}, Linux {}, load average {:.1}; disk: 1 KiB synced in {disk_sync_p50_us:.0} us (p50), {disk_sync_p99_us:.0} us (p99)",
            text(&self.version),
            text(&self.processor_model),
            text(&self.kernel),
            self.load_average.unwrap_or_default(),
        )
    }
}

fn load_average() -> Option<f64> {
    std::fs::read_to_string("/proc/loadavg").ok()?.split(' ').next()?.parse().ok()
}

/// The first `NAME : VALUE` of a file.
fn field(file: &str, name: &str) -> Option<String> {
    let content = std::fs::read_to_string(file).ok()?;
    let line = content.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// Of a size such as `16384 kB`.
fn bytes(size: &str) -> Option<u64> {
    Some(size.strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

fn version() -> Option<String> {
    let described = Command::new("git").args(["describe", "--always", "--dirty", "--tags"]).output().ok()?;
    let text = String::from_utf8(described.stdout).ok()?.trim().to_owned();
    (described.status.success() && !text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_in_kibibytes() {
        assert_eq!((bytes("16 kB"), bytes("16")), (Some(16_384), None));
        assert!(field("/proc/meminfo", "MemTotal").as_deref().and_then(bytes).is_some());
    }
}
