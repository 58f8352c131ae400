//! The server's end of the socket.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::geteuid;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::message::{Answer, REQUEST_BYTES_MAX, Request};
use super::socket_path::{SocketPath, lock_file};

const OWNER_ONLY: u32 = 0o600;
/// How many requests are served at once; further ones wait.
const CONNECTIONS_MAX: usize = 16;
/// How long a client may take to send its request, and to take its answer.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(10);
/// What is paused for when the system has no file descriptor to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
const ROOT: u32 = 0;

/// A socket that listens; it is removed on drop. As long as it lives no other server uses the data folder.
pub(crate) struct AdminSocket {
    listener: UnixListener,
    path: SocketPath,
    _lock: File,
}

/// A socket that is served.
pub(crate) struct Serving {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

/// The lock of a data folder, held for as long as the file is open. [`io::ErrorKind::ResourceBusy`] if a server has it.
pub(crate) fn lock_data_folder(data_folder: &Path) -> io::Result<File> {
    let lock = File::create(lock_file(data_folder))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => {
            let problem = "another server uses this folder; stop it, or give this one a folder of its own";
            Err(io::Error::new(io::ErrorKind::ResourceBusy, problem))
        }
        Err(TryLockError::Error(error)) => Err(error),
    }
}

impl AdminSocket {
    /// Listens in the data folder, in place of what a server that was killed left there; for this user alone.
    ///
    /// Fails if another server uses the folder: each HSM must have one server only.
    pub(crate) fn bind(data_folder: &Path) -> io::Result<Self> {
        let lock = lock_data_folder(data_folder)?;
        let path = SocketPath::in_folder(data_folder)?;
        remove(&path)?;
        let listener = UnixListener::bind(path.address())?;
        fs::set_permissions(path.real(), fs::Permissions::from_mode(OWNER_ONLY))?;
        Ok(Self { listener, path, _lock: lock })
    }

    /// Serves in the background until told to stop. `act` does what is asked by the user with the given ID.
    pub(crate) fn serve<F, A>(self, act: A) -> Serving
    where
        A: Fn(Request, u32) -> F + Send + Sync + 'static,
        F: Future<Output = Answer> + Send,
    {
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(async move { self.accept(Arc::new(act), stopped).await });
        Serving { stop, task }
    }

    async fn accept<F, A>(self, act: Arc<A>, mut stopped: oneshot::Receiver<()>)
    where
        A: Fn(Request, u32) -> F + Send + Sync + 'static,
        F: Future<Output = Answer> + Send,
    {
        let turns = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let mut requests = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                Some(ended) = requests.join_next() => {
                    report_panic(ended);
                    continue;
                }
                _ = &mut stopped => break,
            };
            match accepted {
                Ok((stream, _)) => {
                    let (act, turns) = (act.clone(), turns.clone());
                    requests.spawn(async move {
                        // The semaphore is never closed.
                        let _turn = turns.acquire().await;
                        serve(stream, &*act).await;
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "the admin socket cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(self);
        while let Some(ended) = requests.join_next().await {
            report_panic(ended);
        }
    }
}

impl Serving {
    /// Takes no further request, and waits for those in flight, but no longer than `grace`.
    pub(crate) async fn stop(mut self, grace: Duration) {
        // Without a receiver it has ended by itself.
        let _ = self.stop.send(());
        if timeout(grace, &mut self.task).await.is_err() {
            tracing::warn!("a request of the operator was cut off");
            self.task.abort();
        }
    }
}

impl Drop for AdminSocket {
    fn drop(&mut self) {
        if let Err(error) = remove(&self.path) {
            tracing::warn!(%error, "the admin socket {} cannot be removed", self.path.real().display());
        }
    }
}

fn remove(path: &SocketPath) -> io::Result<()> {
    match fs::remove_file(path.real()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn report_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a request of the operator ended in a panic: this is a bug, please report it");
    }
}

/// One connection. What was asked is done to its end even if the client goes away.
async fn serve<F: Future<Output = Answer>>(mut stream: UnixStream, act: impl Fn(Request, u32) -> F) {
    let uid = match peer(&stream) {
        Ok(uid) => uid,
        Err(error) => return tracing::warn!(%error, "a stranger at the admin socket"),
    };
    let answer = match timeout(CLIENT_TIMEOUT, read_request(&mut stream)).await {
        Ok(Ok(request)) => act(request, uid).await,
        Ok(Err(error)) => Answer::Refused(format!("the request cannot be read: {error}")),
        Err(_) => Answer::Refused("the request did not come in time".to_owned()),
    };
    let written = timeout(CLIENT_TIMEOUT, answer_and_hear_out(&mut stream, &answer)).await;
    if !matches!(written, Ok(Ok(()))) {
        tracing::debug!("a client of the admin socket went away");
    }
}

/// The user at the other end; only the server's own, and root, may be there.
fn peer(stream: &UnixStream) -> io::Result<u32> {
    let uid = stream.peer_cred()?.uid();
    if uid == geteuid().as_raw() || uid == ROOT {
        return Ok(uid);
    }
    Err(io::Error::new(io::ErrorKind::PermissionDenied, format!("user {uid} may not use it")))
}

async fn read_request(stream: &mut UnixStream) -> io::Result<Request> {
    // Room for everything at once: a buffer that grows would leave copies of passwords behind.
    let mut line = Zeroizing::new(Vec::with_capacity(REQUEST_BYTES_MAX));
    while !line.ends_with(b"\n") {
        if line.len() == REQUEST_BYTES_MAX {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("it is longer than {REQUEST_BYTES_MAX} bytes"),
            ));
        }
        let room = REQUEST_BYTES_MAX - line.len();
        if (&mut *stream).take(room as u64).read_buf(&mut *line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(serde_json::from_slice(&line)?)
}

/// Answers, and reads what the client still has to say: a socket that is closed with something unread in it takes the answer along.
async fn answer_and_hear_out(stream: &mut UnixStream, answer: &Answer) -> io::Result<()> {
    let mut line = serde_json::to_vec(answer)?;
    line.push(b'\n');
    stream.write_all(&line).await?;
    stream.shutdown().await?;
    // It may be the rest of a password.
    let mut rest = Zeroizing::new([0; 1024]);
    while stream.read(&mut *rest).await? > 0 {}
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::fs::MetadataExt;
    use std::os::unix::net::UnixStream as BlockingStream;
    use std::path::PathBuf;

    use tokio::sync::Notify;

    use super::super::{HsmUsersAction, call};
    use super::*;

    fn request(cluster_id: &str) -> Request {
        Request::HsmUsers { cluster_id: cluster_id.to_owned(), hsm_id: None, action: HsmUsersAction::List }
    }

    async fn asked(folder: &Path, request: Request) -> Result<Answer, String> {
        let folder = folder.to_owned();
        tokio::task::spawn_blocking(move || call(&folder, &request).map_err(|error| error.to_string())).await.unwrap()
    }

    /// Answers with the cluster's ID, or panics.
    fn echo(folder: &Path) -> Serving {
        AdminSocket::bind(folder).unwrap().serve(|request, uid| async move {
            assert_eq!(uid, geteuid().as_raw());
            match request {
                Request::HsmUsers { cluster_id, .. } if cluster_id == "panic" => {
                    panic!("a panic that a test asked for")
                }
                Request::HsmUsers { cluster_id, .. } => Answer::Registered(cluster_id),
                Request::RegisterCluster { .. } | Request::ExplainAccess { .. } => Answer::Refused("no".to_owned()),
            }
        })
    }

    #[tokio::test]
    async fn requests_are_answered_until_it_stops() {
        let folder = tempfile::tempdir().unwrap();
        // Longer than an address may be.
        let long = folder.path().join("a".repeat(120));
        fs::create_dir(&long).unwrap();
        for folder in [folder.path(), long.as_path()] {
            let serving = echo(folder);
            let mode = folder.join("admin.sock").metadata().unwrap().mode();
            assert_eq!(mode & 0o777, OWNER_ONLY);
            for id in ["cluster-a", "cluster-b"] {
                assert_eq!(asked(folder, request(id)).await, Ok(Answer::Registered(id.to_owned())));
            }
            let register = Request::RegisterCluster {
                account: keystead_model::arn::AccountId::parse("111122223333").unwrap(),
                file: PathBuf::from("/f"),
            };
            assert_eq!(asked(folder, register).await, Err("no".to_owned()));
            serving.stop(Duration::from_secs(60)).await;
            assert!(!folder.join("admin.sock").exists());
            assert!(asked(folder, request("cluster-a")).await.unwrap_err().contains("no server runs"));
        }
    }

    #[tokio::test]
    async fn one_server_has_the_folder_and_what_a_killed_one_left_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        drop(std::os::unix::net::UnixListener::bind(folder.path().join("admin.sock")).unwrap());
        let serving = echo(folder.path());
        let error = AdminSocket::bind(folder.path()).err().unwrap();
        assert!(error.to_string().contains("another server"), "{error}");
        assert!(asked(folder.path(), request("cluster-a")).await.is_ok());
        serving.stop(Duration::from_secs(60)).await;
        AdminSocket::bind(folder.path()).unwrap();
    }

    #[tokio::test]
    async fn a_panic_ends_one_request() {
        let folder = tempfile::tempdir().unwrap();
        let serving = echo(folder.path());
        assert!(asked(folder.path(), request("panic")).await.unwrap_err().contains("without an answer"));
        assert!(asked(folder.path(), request("cluster-a")).await.is_ok());
        serving.stop(Duration::from_secs(60)).await;
    }

    #[tokio::test]
    async fn what_is_no_request_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let serving = echo(folder.path());
        let long = format!("{{\"request\":\"{}", "a".repeat(REQUEST_BYTES_MAX));
        for sent in ["nonsense\n".to_owned(), "{\"request\":\"unknown\"}\n".to_owned(), "{}".to_owned(), long] {
            let socket = folder.path().join("admin.sock");
            let answer = tokio::task::spawn_blocking(move || {
                let mut stream = BlockingStream::connect(socket).unwrap();
                stream.write_all(sent.as_bytes()).unwrap();
                stream.shutdown(std::net::Shutdown::Write).unwrap();
                let mut answer = String::new();
                stream.read_to_string(&mut answer).unwrap();
                answer
            });
            let answer: Answer = serde_json::from_str(&answer.await.unwrap()).unwrap();
            assert!(matches!(&answer, Answer::Refused(why) if why.contains("cannot be read")), "{answer:?}");
        }
        serving.stop(Duration::from_secs(60)).await;
    }

    #[tokio::test]
    async fn a_request_in_flight_is_finished_when_it_stops() {
        let folder = tempfile::tempdir().unwrap();
        let (arrived, goes_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let serving = AdminSocket::bind(folder.path()).unwrap().serve({
            let (arrived, goes_on) = (arrived.clone(), goes_on.clone());
            move |_, _| {
                let (arrived, goes_on) = (arrived.clone(), goes_on.clone());
                async move {
                    arrived.notify_one();
                    goes_on.notified().await;
                    Answer::Registered("done".to_owned())
                }
            }
        });
        let path = folder.path().to_owned();
        let asking = tokio::spawn(async move { asked(&path, request("cluster-a")).await });
        arrived.notified().await;
        let stopping = tokio::spawn(serving.stop(Duration::from_secs(60)));
        goes_on.notify_one();
        assert_eq!(asking.await.unwrap(), Ok(Answer::Registered("done".to_owned())));
        stopping.await.unwrap();
    }
}
