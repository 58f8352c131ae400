//! The beginning and the end of the process.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Signal, getpid, kill_process};

use super::{StartFile, Worker};
use crate::HsmError;

/// On standard output: the socket is there, and the token open.
pub(crate) const READY_LINE: &str = "keystead-hsm-worker: ready";
/// On standard output, followed by the reason: the process ends.
pub(crate) const LOST_LINE: &str = "keystead-hsm-worker: lost: ";

/// How long a change of the token that is on its way may take when the process is to end.
const LAST_CHANGE: Duration = Duration::from_secs(1);

/// Opens the token, under the eye of a thread that ends the process with its parent, even if the module hangs.
pub(crate) fn open_with_parent(start: StartFile) -> Result<Arc<Worker>, HsmError> {
    let (opened, worker) = mpsc::channel::<Arc<Worker>>();
    spawn("parent", move || {
        wait_for_end_of_input();
        match worker.try_recv() {
            Ok(worker) => end(&worker),
            Err(_) => end_now(),
        }
    })?;
    let worker = Arc::new(Worker::open(start)?);
    // The receiver lives as long as the thread, and the thread ends with the process.
    let _ = opened.send(worker.clone());
    Ok(worker)
}

/// Starts the thread that asks the token whether it is still there.
pub(crate) fn probe_regularly(worker: &Arc<Worker>) -> Result<(), HsmError> {
    let worker = worker.clone();
    spawn("probe", move || {
        loop {
            thread::sleep(worker.probe_interval());
            if let Err(error) = worker.probe() {
                lose(&worker, &error);
            }
        }
    })
}

/// Starts a named thread.
pub(crate) fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Result<(), HsmError> {
    // A vendor's library needs its space; with the usual 2 MiB a thousand sessions would use up the address space.
    const STACK_BYTES: usize = 512 << 10;
    let thread = thread::Builder::new().name(name.to_owned()).stack_size(STACK_BYTES).spawn(body);
    thread.map(drop).map_err(|error| HsmError::Lost(format!("the worker cannot start a thread: {error}")))
}

/// Tells the client that calls may come.
pub(crate) fn announce_ready() -> Result<(), HsmError> {
    say(READY_LINE).map_err(|error| HsmError::Lost(format!("the worker's parent does not listen: {error}")))
}

/// Tells the client why the process ends.
pub(crate) fn announce_lost(error: &HsmError) {
    let reason = match error {
        HsmError::Lost(reason) => reason.clone(),
        other => other.to_string(),
    };
    // Nobody is there to hear it if this fails, and the process ends in any case.
    let _ = say(&format!("{LOST_LINE}{}", reason.replace('\n', " ")));
}

/// Ends the process because the token is lost: every call that waits is answered by the end of its connection.
pub(crate) fn lose(worker: &Worker, error: &HsmError) -> ! {
    announce_lost(error);
    end(worker)
}

/// Lets a change of the token come to its end, then ends the process.
fn end(worker: &Worker) -> ! {
    let deadline = Instant::now() + LAST_CHANGE;
    while worker.is_changing() && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(2));
    }
    end_now()
}

/// Ends the process without running what a C library has registered for its end, where it may hang.
fn end_now() -> ! {
    loop {
        // It cannot fail for this very process; if it does, it is tried again.
        let _ = kill_process(getpid(), Signal::KILL);
        thread::sleep(Duration::from_millis(10));
    }
}

fn wait_for_end_of_input() {
    let mut buffer = [0; 64];
    let mut input = io::stdin().lock();
    while !matches!(input.read(&mut buffer), Ok(0) | Err(_)) {}
}

fn say(line: &str) -> io::Result<()> {
    let mut output = io::stdout().lock();
    writeln!(output, "{line}")?;
    output.flush()
}
