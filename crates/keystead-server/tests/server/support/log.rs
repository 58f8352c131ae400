//! The log of all servers of the test program.

use std::io::{self, Write};
use std::sync::{Mutex, Once};
use std::time::Duration;

static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static STARTED: Once = Once::new();

struct Log;

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        LOG.lock().unwrap().extend_from_slice(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// From now on what is logged is kept.
pub(crate) fn keep() {
    STARTED.call_once(|| tracing_subscriber::fmt().with_ansi(false).with_writer(|| Log).init());
}

/// Waits for a line that has all of these words, and returns how many have.
pub(crate) async fn lines_with(words: &[&str]) -> usize {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    loop {
        let log = String::from_utf8_lossy(&LOG.lock().unwrap()).into_owned();
        let found = log.lines().filter(|line| words.iter().all(|word| line.contains(word))).count();
        if found > 0 {
            return found;
        }
        assert!(tokio::time::Instant::now() < deadline, "no line has {words:?}: {log}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
