//! One worker process, from its start to its end.

use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::line_log::{Lines, log_lines};
use super::{HsmSettings, WorkerSettings};
use crate::worker::{LOST_LINE, READY_LINE, StartFile};

/// How long a worker may take to end when it is told to.
const END_TIMEOUT: Duration = Duration::from_secs(2);
/// How long the last words of a worker that has ended are waited for.
const LAST_WORDS_TIMEOUT: Duration = Duration::from_millis(200);
/// Longest path of a Unix socket that every system takes, in bytes.
const SOCKET_PATH_BYTES_MAX: usize = 107;

/// A worker that has opened its token.
pub(super) struct Process {
    child: Child,
    /// The worker ends when this does, and so it does even if the server is killed.
    _input: ChildStdin,
    pub(super) socket: PathBuf,
    /// Reads what the worker says to its end; the reason that it gives for it.
    last_words: Option<JoinHandle<Option<String>>>,
}

impl Process {
    /// Starts a worker and waits until it has opened its token. Fails with the reason.
    pub(super) async fn start(hsm: &HsmSettings, common: &WorkerSettings) -> Result<Self, String> {
        let files = Files::new(hsm, common)?;
        files.write(hsm, common).map_err(|error| {
            format!("the files of its worker cannot be made in {}: {error}", common.socket_folder.display())
        })?;
        let mut child = command(hsm, common, &files).spawn().map_err(|error| {
            format!("its worker {} hsm-worker cannot be started: {error}", common.program.display())
        })?;
        let (Some(input), Some(output), Some(errors)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err("its worker was started without pipes".into());
        };
        tokio::spawn(log_lines(hsm.hsm_id.clone(), errors));
        let mut process = Self { child, _input: input, socket: files.socket, last_words: None };
        process.wait_until_ready(hsm, common, output).await?;
        Ok(process)
    }

    /// Waits for the end of the process; the reason.
    pub(super) async fn wait(&mut self) -> String {
        let status = self.child.wait().await;
        let said = match &mut self.last_words {
            // A process of the vendor's may still hold the pipe.
            Some(words) => timeout(LAST_WORDS_TIMEOUT, words).await.ok().and_then(Result::ok).flatten(),
            None => None,
        };
        said.unwrap_or_else(|| describe_end(&status))
    }

    /// Ends the process at once: it hangs.
    pub(super) async fn kill(mut self) {
        // An error here means that it has ended.
        let _ = self.child.kill().await;
    }

    /// Lets the process end what it does to the token, and waits until it is gone.
    pub(super) async fn end(self) {
        let Self { mut child, _input: input, .. } = self;
        drop(input);
        if timeout(END_TIMEOUT, child.wait()).await.is_err() {
            let _ = child.kill().await;
        }
    }

    async fn wait_until_ready(
        &mut self,
        hsm: &HsmSettings,
        common: &WorkerSettings,
        output: ChildStdout,
    ) -> Result<(), String> {
        let mut lines = Lines::new(output);
        let started = timeout(common.start_timeout, first_words(&mut lines)).await;
        match started {
            Ok(Some(Ok(()))) => {
                self.last_words = Some(tokio::spawn(listen(hsm.hsm_id.clone(), lines)));
                Ok(())
            }
            Ok(Some(Err(reason))) => {
                let _ = self.child.kill().await;
                Err(reason)
            }
            Ok(None) => {
                let status = timeout(END_TIMEOUT, self.child.wait()).await.unwrap_or_else(|late| Err(late.into()));
                Err(format!(
                    "{} while it opened the token; is {} a PKCS #11 module for this machine?",
                    describe_end(&status),
                    hsm.module.display()
                ))
            }
            Err(_) => {
                let _ = self.child.kill().await;
                Err(format!(
                    "its worker did not open the token within {} ms; the PKCS #11 module {} hangs",
                    common.start_timeout.as_millis(),
                    hsm.module.display()
                ))
            }
        }
    }
}

/// The files by which client and worker find each other.
struct Files {
    start: PathBuf,
    socket: PathBuf,
}

impl Files {
    fn new(hsm: &HsmSettings, common: &WorkerSettings) -> Result<Self, String> {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if hsm.hsm_id.is_empty() || !hsm.hsm_id.bytes().all(is_name) {
            return Err(format!("hsm_id {:?} has other characters than letters, digits, - and _", hsm.hsm_id));
        }
        let socket = common.socket_folder.join(format!("{}.sock", hsm.hsm_id));
        if socket.as_os_str().len() > SOCKET_PATH_BYTES_MAX {
            return Err(format!(
                "the path of its socket is longer than {SOCKET_PATH_BYTES_MAX} bytes, choose another folder: {}",
                socket.display()
            ));
        }
        Ok(Self { start: common.socket_folder.join(format!("{}.json", hsm.hsm_id)), socket })
    }

    fn write(&self, hsm: &HsmSettings, common: &WorkerSettings) -> io::Result<()> {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&common.socket_folder)?;
        remove(&self.socket)?;
        remove(&self.start)?;
        let start = StartFile {
            hsm: hsm.clone(),
            memory_bytes_max: common.memory_bytes_max,
            strikes_max: common.strikes_max,
            probe_interval_ms: u64::try_from(common.probe_interval.as_millis()).unwrap_or(u64::MAX),
        };
        let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&self.start)?;
        Ok(serde_json::to_writer(file, &start)?)
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The worker gets nothing of the server's environment but what the HSM's settings name.
fn command(hsm: &HsmSettings, common: &WorkerSettings, files: &Files) -> Command {
    let mut command = Command::new(&common.program);
    command
        .arg("hsm-worker")
        .arg("--settings")
        .arg(&files.start)
        .arg("--socket")
        .arg(&files.socket)
        .env_clear()
        // Allocators reserve address space for each thread or at once, and the worker's is limited.
        .env("MALLOC_ARENA_MAX", "2")
        .env("MIMALLOC_ARENA_RESERVE", "0")
        .envs(&hsm.environment)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Reads until the worker says that it is ready, or why it is not; `None` if it ends without a word. A vendor's library may write as well.
async fn first_words(lines: &mut Lines<ChildStdout>) -> Option<Result<(), String>> {
    loop {
        let line = lines.next().await?;
        if line == READY_LINE {
            return Some(Ok(()));
        }
        if let Some(reason) = line.strip_prefix(LOST_LINE) {
            return Some(Err(reason.to_owned()));
        }
    }
}

/// Reads to the end what the worker says once it is ready, so that it never waits for a reader; the reason for the end, if it gives one.
async fn listen(hsm_id: String, mut lines: Lines<ChildStdout>) -> Option<String> {
    let mut reason = None;
    while let Some(line) = lines.next().await {
        match line.strip_prefix(LOST_LINE) {
            Some(text) => reason = Some(text.to_owned()),
            None => tracing::warn!(hsm = %hsm_id, "its worker says: {}", line.escape_debug()),
        }
    }
    reason
}

fn describe_end(status: &io::Result<ExitStatus>) -> String {
    match status {
        Ok(status) => match (status.signal(), status.code()) {
            (Some(signal), _) => format!("its worker was ended by signal {signal}"),
            (None, Some(code)) => format!("its worker ended with exit status {code}"),
            (None, None) => "its worker ended".into(),
        },
        Err(error) => format!("its worker ended ({error})"),
    }
}
