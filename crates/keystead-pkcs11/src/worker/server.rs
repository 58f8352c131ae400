//! The worker's socket.

use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::net::sockopt::socket_peercred;
use rustix::process::getuid;

use super::Worker;
use super::answer::answer;
use super::lifetime::spawn;
use crate::HsmError;
use crate::wire::{ANSWER_BYTES_MAX, FrameBuffer, QUESTION_BYTES_MAX};

/// Connections beyond one for each session: for calls that need none, and for those that were given up and still run.
const MORE_CONNECTIONS: usize = 16;

/// Makes the socket, for this user alone.
pub(crate) fn bind(path: &Path) -> Result<UnixListener, HsmError> {
    let make = || {
        let listener = UnixListener::bind(path)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
        Ok(listener)
    };
    make()
        .map_err(|error: io::Error| HsmError::Lost(format!("the worker cannot listen at {}: {error}", path.display())))
}

/// Accepts connections for as long as the process lives. Those of other users are closed, and those beyond the bound.
pub(crate) fn accept(listener: &UnixListener, worker: &Arc<Worker>) -> Result<(), HsmError> {
    let connections = Arc::new(AtomicUsize::new(0));
    let connections_max = worker.session_cap() + MORE_CONNECTIONS;
    loop {
        let (stream, _) =
            listener.accept().map_err(|error| HsmError::Lost(format!("the worker's socket failed: {error}")))?;
        if !is_ours(&stream) || connections.load(Ordering::Relaxed) >= connections_max {
            continue;
        }
        let guard = Counted::new(&connections);
        let worker = worker.clone();
        spawn("connection", move || {
            serve(stream, &worker);
            drop(guard);
        })?;
    }
}

fn is_ours(stream: &UnixStream) -> bool {
    socket_peercred(stream).is_ok_and(|peer| peer.uid == getuid())
}

/// Answers one call after another until the client closes, or says what is no question.
fn serve(mut stream: UnixStream, worker: &Worker) {
    let mut question = FrameBuffer::new(QUESTION_BYTES_MAX);
    let mut reply = FrameBuffer::new(ANSWER_BYTES_MAX);
    loop {
        let served = receive(&mut stream, &mut question).and_then(|()| {
            answer(worker, &question, &mut reply).map_err(io::Error::other)?;
            question.wipe();
            stream.write_all(reply.frame())
        });
        reply.wipe();
        match served {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return,
            Err(error) => {
                // The client may hang up on an answer that it no longer waits for; all else is worth a line in the log.
                if !matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset) {
                    let _ = writeln!(io::stderr(), "a connection ended: {error}");
                }
                return;
            }
        }
    }
}

fn receive(stream: &mut UnixStream, frame: &mut FrameBuffer) -> io::Result<()> {
    loop {
        let count = match stream.read(frame.spare()) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if frame.received(count).map_err(io::Error::other)? {
            return Ok(());
        }
    }
}

/// One connection, as long as it lives, and even if its thread panics.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(connections: &Arc<AtomicUsize>) -> Self {
        connections.fetch_add(1, Ordering::Relaxed);
        Self(connections.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
