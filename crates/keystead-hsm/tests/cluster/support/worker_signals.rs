//! Signals to worker processes, found by their sockets.

use std::fs;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

/// `SIGKILL`. Returns whether there was a worker.
pub(crate) fn kill_worker(folder: &Path, hsm_id: &str) -> bool {
    signal(folder, hsm_id, Signal::KILL)
}

/// `SIGSTOP`: it is there, and does nothing any more.
pub(crate) fn pause_worker(folder: &Path, hsm_id: &str) {
    assert!(signal(folder, hsm_id, Signal::STOP), "{hsm_id} has no worker");
}

fn signal(folder: &Path, hsm_id: &str, signal: Signal) -> bool {
    let socket = folder.join("run").join(format!("{hsm_id}.sock"));
    let pid = process_with_argument(&socket.to_string_lossy());
    pid.is_some_and(|pid| kill_process(pid, signal).is_ok())
}

fn process_with_argument(argument: &str) -> Option<Pid> {
    let processes = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    processes.filter_map(|process| process.file_name().to_str()?.parse::<i32>().ok()).find_map(|pid| {
        let command = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        command.split(|byte| *byte == 0).any(|part| part == argument.as_bytes()).then(|| Pid::from_raw(pid))?
    })
}
