//! How long the disk under the data folders takes to make a kilobyte durable: the least that one synced audit record can cost.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use crate::Failure;
use crate::latencies::Latencies;

const PROBES: usize = 200;

/// Appends a kilobyte and syncs it, over and over.
pub(crate) fn probe(folder: &Path) -> Result<Latencies, Failure> {
    let path = folder.join("disk-probe");
    let mut file = OpenOptions::new().create(true).append(true).open(&path)?;
    let mut latencies = Vec::with_capacity(PROBES);
    for _ in 0..PROBES {
        let begin = Instant::now();
        file.write_all(&[b'x'; 1024])?;
        file.sync_data()?;
        latencies.push(begin.elapsed());
    }
    std::fs::remove_file(&path)?;
    Ok(Latencies::new(latencies))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(probe(folder.path()).unwrap().count(), PROBES);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
