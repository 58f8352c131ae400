//! Server processes: started, awaited, and ended whatever happens.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tokio::signal::unix::{SignalKind, signal};

use crate::Failure;

/// How long a server may take to be ready, and to end when told to.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often to look whether a process has ended.
const LOOK_INTERVAL: Duration = Duration::from_millis(2);
/// How much of a server's log an error repeats.
const LOG_LINES_SHOWN: usize = 20;

/// All server processes of this run, so that a signal ends them too.
#[derive(Default)]
pub(crate) struct Processes(Mutex<State>);

#[derive(Default)]
struct State {
    interrupted: bool,
    running: BTreeSet<i32>,
}

impl Processes {
    /// Starts a server that prints a line beginning with `ready` and its URL, and waits for that line. Its standard error goes to `log`.
    pub(crate) fn start(self: &Arc<Self>, mut command: Command, log: &Path) -> Result<Server, Failure> {
        let log_file = File::create(log).map_err(|error| format!("{}: {error}", log.display()))?;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log_file);
        let started = Instant::now();
        let child = self.spawn(&mut command)?;
        let mut server = Server {
            child,
            processes: self.clone(),
            log: log.to_owned(),
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            started,
            ready_after: Duration::ZERO,
        };
        server.wait_until_ready().map_err(|error| server.explain(&format!("{command:?}: {error}")))?;
        Ok(server)
    }

    /// Kills all, and starts no more. The measurement that uses them ends with an error, as with any server that dies.
    fn interrupt(&self) {
        let mut state = self.state();
        state.interrupted = true;
        for pid in state.running.iter().filter_map(|pid| Pid::from_raw(*pid)) {
            // One that has just ended by itself is what is wanted.
            let _ = kill_process(pid, Signal::KILL);
        }
    }

    fn spawn(&self, command: &mut Command) -> Result<Child, Failure> {
        let mut state = self.state();
        if state.interrupted {
            return Err("interrupted".into());
        }
        let child = command.spawn().map_err(|error| format!("{command:?}: {error}"))?;
        state.running.insert(i32::try_from(child.id())?);
        Ok(child)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Kills every server when this process is told to end.
pub(crate) fn kill_on_signal(processes: Arc<Processes>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut interrupt, mut terminate) = runtime.block_on(async {
        Ok::<_, std::io::Error>((signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?))
    })?;
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        });
        processes.interrupt();
    })?;
    Ok(())
}

/// A running server process; killed when dropped.
pub(crate) struct Server {
    child: Child,
    processes: Arc<Processes>,
    log: PathBuf,
    address: SocketAddr,
    started: Instant,
    ready_after: Duration,
}

impl Server {
    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// When the process was begun.
    pub(crate) fn started(&self) -> Instant {
        self.started
    }

    /// How long after that its `ready` line came.
    pub(crate) fn ready_after(&self) -> Duration {
        self.ready_after
    }

    /// Its process ID.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Tells it to end (SIGTERM), and waits until it has, with exit code 0.
    pub(crate) fn stop(mut self) -> Result<(), Failure> {
        let pid = Pid::from_raw(i32::try_from(self.pid())?).ok_or("no process ID")?;
        kill_process(pid, Signal::TERM)?;
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            match self.child.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(self.explain(&format!("ended with {status} when told to end"))),
                None => std::thread::sleep(LOOK_INTERVAL),
            }
        }
        Err(self.explain(&format!("was told to end and still runs after {} s", PATIENCE.as_secs())))
    }

    /// An error with the end of the server's log.
    pub(crate) fn explain(&self, error: &str) -> Failure {
        let log = std::fs::read_to_string(&self.log).unwrap_or_else(|error| format!("(its log: {error})"));
        let lines: Vec<&str> = log.lines().collect();
        let shown = lines.get(lines.len().saturating_sub(LOG_LINES_SHOWN)..).unwrap_or_default().join("\n");
        format!("{error}\n{shown}").into()
    }

    fn wait_until_ready(&mut self) -> Result<(), Failure> {
        let stdout = self.child.stdout.take().ok_or("no standard output")?;
        let deadline = self.started + PATIENCE;
        let lines = read_lines(stdout)?;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let (at, line) = lines.recv_timeout(left).map_err(|_| "ended, or took too long, before it was ready")?;
            if line.starts_with("ready") {
                self.ready_after = at - self.started;
                self.address = ready_address(&line).ok_or_else(|| format!("no address in {line:?}"))?;
                return Ok(());
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Before the process is reaped: until then nobody else has its ID.
        if let Ok(pid) = i32::try_from(self.child.id()) {
            self.processes.state().running.remove(&pid);
        }
        // Both fail only for a process that has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The lines of `stdout` with the time of each, read to its end so that the server never waits for a reader.
fn read_lines(stdout: ChildStdout) -> Result<Receiver<(Instant, String)>, Failure> {
    let (sender, lines) = channel();
    std::thread::Builder::new().name("standard output".to_owned()).spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            // Nobody listens any more once the server is ready.
            let _ = sender.send((Instant::now(), line));
        }
    })?;
    Ok(lines)
}

/// The address in `ready SCHEME://ADDRESS`.
fn ready_address(line: &str) -> Option<SocketAddr> {
    line.split_once("://")?.1.trim_end().parse().ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    fn start(processes: &Arc<Processes>, script: &str) -> Result<Server, Failure> {
        let log = tempfile::NamedTempFile::new().unwrap();
        processes.start(shell(script), log.path())
    }

    fn is_running(pid: u32) -> bool {
        Path::new(&format!("/proc/{pid}")).exists()
    }

    #[test]
    fn a_server_is_ready_when_it_says_so_and_ends_when_dropped() {
        let processes = Arc::new(Processes::default());
        let server = start(&processes, "echo welcome; echo ready http://127.0.0.1:4711; exec sleep 60").unwrap();
        let pid = server.pid();
        assert_eq!((server.address().port(), is_running(pid)), (4711, true));
        drop(server);
        assert!(!is_running(pid));
    }

    #[test]
    fn a_server_that_ends_early_is_an_error_with_its_log() {
        let error = start(&Arc::new(Processes::default()), "echo the disk is full >&2; exit 1").err().unwrap();
        assert!(error.to_string().contains("the disk is full"), "{error}");
    }

    #[test]
    fn stopping_reports_how_the_server_ended() {
        let processes = Arc::new(Processes::default());
        let well = start(&processes, "trap 'exit 0' TERM; echo ready http://127.0.0.1:1; while :; do sleep 0.01; done");
        well.unwrap().stop().unwrap();
        let badly =
            start(&processes, "trap 'exit 3' TERM; echo ready http://127.0.0.1:1; while :; do sleep 0.01; done");
        assert!(badly.unwrap().stop().unwrap_err().to_string().contains('3'));
    }

    #[test]
    fn an_interrupt_kills_all_and_nothing_starts_afterwards() {
        let processes = Arc::new(Processes::default());
        let mut server = start(&processes, "echo ready http://127.0.0.1:1; exec sleep 60").unwrap();
        processes.interrupt();
        assert!(!server.child.wait().unwrap().success());
        assert_eq!(start(&processes, "true").err().unwrap().to_string(), "interrupted");
    }

    #[test]
    fn the_address_follows_the_scheme() {
        assert_eq!(ready_address("ready https://127.0.0.1:8443").unwrap().port(), 8443);
        assert_eq!(ready_address("ready"), None);
    }
}
