//! The command's end of the socket.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;

use keystead_xks_proxy::secret_json;

use super::message::{ANSWER_BYTES_MAX, Answer, Request};
use super::socket_path::SocketPath;
use crate::Failure;

/// Asks the server that runs on the data folder.
///
/// Fails if none runs there, or if it refuses; in both cases with a text for people.
pub(crate) fn call(data_folder: &Path, request: &Request) -> Result<Answer, Failure> {
    let mut stream = connect(data_folder)?;
    let request = secret_json(request)?;
    let text =
        exchange(&mut stream, &request).map_err(|error| format!("the server broke off: {error}; its log says why"))?;
    if text.is_empty() {
        return Err("the server ended the connection without an answer; its log says why".into());
    }
    match serde_json::from_slice(&text)? {
        Answer::Refused(why) => Err(why.into()),
        answer => Ok(answer),
    }
}

/// For an answer to another question.
pub(crate) fn other_answer() -> Failure {
    "the server answered something else than it was asked; is it of the same version?".into()
}

fn connect(data_folder: &Path) -> Result<UnixStream, Failure> {
    let path = SocketPath::in_folder(data_folder).map_err(|error| {
        format!("data folder {}: {error}; name the server's own with --config or --data-dir", data_folder.display())
    })?;
    UnixStream::connect(path.address()).map_err(|error| {
        let socket = path.real().display();
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => format!(
                "no server runs on {}: nobody listens on {socket}; start `keystead serve` or `keystead dev`, or name the data folder of the \
                 one that runs",
                data_folder.display()
            ),
            io::ErrorKind::PermissionDenied => {
                format!("{socket}: {error}; only the user that the server runs as may use it: run this command as that user")
            }
            _ => format!("{socket}: {error}"),
        }
        .into()
    })
}

fn exchange(stream: &mut UnixStream, request: &[u8]) -> io::Result<Vec<u8>> {
    stream.write_all(request)?;
    stream.write_all(b"\n")?;
    stream.shutdown(Shutdown::Write)?;
    let mut text = Vec::new();
    stream.take(ANSWER_BYTES_MAX as u64).read_to_end(&mut text)?;
    Ok(text)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    fn request() -> Request {
        let action = super::super::HsmUsersAction::List;
        Request::HsmUsers { cluster_id: "cluster-a".to_owned(), hsm_id: None, action }
    }

    fn error_of(folder: &Path) -> String {
        call(folder, &request()).unwrap_err().to_string()
    }

    #[test]
    fn without_a_server_the_text_says_so() {
        let folder = tempfile::tempdir().unwrap();
        assert!(error_of(&folder.path().join("missing")).contains("--data-dir"));
        assert!(error_of(folder.path()).contains("no server runs on"));
        // A server that was killed leaves its socket behind.
        drop(UnixListener::bind(folder.path().join("admin.sock")).unwrap());
        assert!(error_of(folder.path()).contains("no server runs on"));
    }

    #[test]
    fn what_the_server_says_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("admin.sock")).unwrap();
        let serving = std::thread::spawn(move || {
            for answer in ["{\"registered\":\"cluster-b\"}\n", "{\"refused\":\"because\"}\n", ""] {
                let (mut stream, _) = listener.accept().unwrap();
                let mut asked = String::new();
                stream.read_to_string(&mut asked).unwrap();
                assert!(asked.ends_with("}\n") && asked.contains("cluster-a"), "{asked}");
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        assert_eq!(call(folder.path(), &request()).unwrap(), Answer::Registered("cluster-b".to_owned()));
        assert_eq!(error_of(folder.path()), "because");
        assert!(error_of(folder.path()).contains("without an answer"));
        serving.join().unwrap();
    }
}
