//! What a process uses, from `/proc` (proc_pid_stat(5), proc_pid_status(5)).

use std::time::Duration;

use crate::Failure;

/// One tick of `utime` and `stime`: USER_HZ is 100 on every architecture that Linux has here.
const TICK: Duration = Duration::from_millis(10);

/// Resident memory, in bytes.
pub(crate) fn resident_bytes(pid: u32) -> Result<u64, Failure> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    parse_resident_bytes(&status).ok_or_else(|| format!("no VmRSS in /proc/{pid}/status").into())
}

/// Processor time of all its threads so far, user and system, in steps of 10 ms.
pub(crate) fn processor_time(pid: u32) -> Result<Duration, Failure> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    parse_processor_time(&stat).ok_or_else(|| format!("/proc/{pid}/stat is not understood: {stat}").into())
}

/// The processes that `parent` started whose command line has `word`, by process ID.
pub(crate) fn children_named(parent: u32, word: &str) -> Result<Vec<u32>, Failure> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // A process may end while it is looked at.
        let (Ok(stat), Ok(command)) =
            (std::fs::read_to_string(format!("/proc/{pid}/stat")), std::fs::read(format!("/proc/{pid}/cmdline")))
        else {
            continue;
        };
        let has_word = command.split(|byte| *byte == 0).any(|argument| argument == word.as_bytes());
        if has_word && parse_parent(&stat) == Some(parent) {
            found.push(pid);
        }
    }
    found.sort_unstable();
    Ok(found)
}

fn parse_parent(stat: &str) -> Option<u32> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

fn parse_resident_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

fn parse_processor_time(stat: &str) -> Option<Duration> {
    // The second field is the program's name in parentheses, which may hold anything. What follows begins with field 3.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let utime: u32 = fields.nth(11)?.parse().ok()?;
    let stime: u32 = fields.next()?.parse().ok()?;
    Some(TICK * (utime + stime))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_kernel_writes() {
        assert_eq!(parse_resident_bytes("Name:\tx\nVmRSS:\t    1234 kB\nThreads:\t1\n"), Some(1234 * 1024));
        assert_eq!(parse_resident_bytes("Name:\tx\n"), None);
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194560 5 0 0 0 12 3 0 0 20 0 1 0 100 1 1";
        assert_eq!(parse_processor_time(stat), Some(Duration::from_millis(150)));
        assert_eq!(parse_processor_time("7 (x) S 1"), None);
    }

    #[test]
    fn this_process_uses_memory() {
        assert!(resident_bytes(std::process::id()).unwrap() > 100_000);
        assert!(processor_time(std::process::id()).is_ok());
    }
}
