//! Opening an audit log: which files are accepted, the lock, and the repair of what a crash left.

use std::fs::{self, File, FileType, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde_json::Value;

/// Readable and writable by the server's user alone.
const MODE: u32 = 0o600;
/// How much is read from the end to find the last line, first and at most. A line is far shorter: a request's body is limited.
const TAIL_BYTES: [u64; 3] = [64 << 10, 1 << 20, 16 << 20];
/// How much of what is cut off is shown in the warning.
const SHOWN_BYTES_MAX: usize = 4096;

/// An audit log could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is something else at the path.
    #[error("the audit log {path} is {kind}, not a regular file: name a file, it is created if it does not exist")]
    NotARegularFile {
        /// The path as configured.
        path: PathBuf,
        /// What it is, with its article.
        kind: &'static str,
    },
    /// The path's folder does not exist.
    #[error("the audit log {path} cannot be created: its folder does not exist; create the folder or name another")]
    NoFolder {
        /// The path as configured.
        path: PathBuf,
    },
    /// Another server writes the file.
    #[error(
        "the audit log {path} is in use by another process: stop the other server, or give this one a file of its own"
    )]
    InUse {
        /// The path as configured.
        path: PathBuf,
    },
    /// The content is no audit log; it is left as it is.
    #[error("the file {path} is not an audit log ({reason}) and was not changed: move it away or name another file")]
    NotAnAuditLog {
        /// The path as configured.
        path: PathBuf,
        /// What about it.
        reason: &'static str,
    },
    /// The system refused.
    #[error("cannot {action} the audit log {path}: {source}")]
    Io {
        /// What was attempted.
        action: &'static str,
        /// The path as configured.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// The log at `path`, created if it is missing, locked, ending with a whole line.
pub(crate) fn open(path: &Path) -> Result<File, OpenError> {
    refuse_other_than_file(path)?;
    let file =
        OpenOptions::new().read(true).append(true).create(true).mode(MODE).open(path).map_err(|source| match source
            .kind()
        {
            io::ErrorKind::NotFound => OpenError::NoFolder { path: path.to_owned() },
            _ => failed("open", path)(source),
        })?;
    lock(&file, path)?;
    sync_folder(path).map_err(failed("sync the folder of", path))?;
    repair(&file, path)?;
    Ok(file)
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> OpenError {
    let path = path.to_owned();
    move |source| OpenError::Io { action, path, source }
}

/// Looks before opening, since opening a pipe would wait for its reader.
fn refuse_other_than_file(path: &Path) -> Result<(), OpenError> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => Ok(()),
        Ok(metadata) => Err(OpenError::NotARegularFile { path: path.to_owned(), kind: kind(metadata.file_type()) }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(failed("look at", path)(error)),
    }
}

fn kind(file_type: FileType) -> &'static str {
    match file_type {
        kind if kind.is_dir() => "a folder",
        kind if kind.is_fifo() => "a named pipe",
        kind if kind.is_socket() => "a socket",
        kind if kind.is_char_device() || kind.is_block_device() => "a device",
        _ => "a special file",
    }
}

/// Held until the file is closed, at the latest by the end of the process, however it ends.
fn lock(file: &File, path: &Path) -> Result<(), OpenError> {
    file.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => OpenError::InUse { path: path.to_owned() },
        TryLockError::Error(source) => failed("lock", path)(source),
    })
}

/// Makes the file's name durable. Each time, since the process that created it may have been killed before it did.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

/// Makes the file end with a whole line, without losing a record that was acknowledged.
///
/// A record is acknowledged after its newline was written (and synced), so one that lacks the newline was not. If it is whole all the
/// same it is kept.
fn repair(mut file: &File, path: &Path) -> Result<(), OpenError> {
    let length = file.metadata().map_err(failed("look at", path))?.len();
    refuse_foreign_start(file, length, path)?;
    let tail = read_tail(file, length, path)?;
    match tail.ending() {
        Ending::Foreign => {
            return Err(OpenError::NotAnAuditLog {
                path: path.to_owned(),
                reason: "its last line does not begin like a record",
            });
        }
        Ending::Whole => return Ok(()),
        Ending::Unreadable => {
            tracing::warn!(path = %path.display(), "the last line of the audit log is not a JSON object; it is left as it is");
            return Ok(());
        }
        Ending::WithoutNewline { line_end } => {
            tracing::warn!(path = %path.display(), "the last record of the audit log lacked its newline; it is kept");
            file.set_len(tail.begin + line_end).and_then(|()| file.write_all(b"\n")).map_err(failed("repair", path))?;
        }
        Ending::Torn { line_begin } => {
            warn_of_cut(&tail, line_begin, path);
            file.set_len(tail.begin + line_begin).map_err(failed("repair", path))?;
        }
    }
    file.sync_all().map_err(failed("sync", path))
}

/// Repairing would damage a file that is something else, named by mistake.
fn refuse_foreign_start(file: &File, length: u64, path: &Path) -> Result<(), OpenError> {
    let mut first = [b'{'];
    if length > 0 {
        file.read_exact_at(&mut first, 0).map_err(failed("read", path))?;
    }
    match begins_like_a_record(&first) {
        true => Ok(()),
        false => {
            Err(OpenError::NotAnAuditLog { path: path.to_owned(), reason: "it does not begin with a JSON object" })
        }
    }
}

fn warn_of_cut(tail: &Tail, line_begin: u64, path: &Path) {
    let cut = tail.from(line_begin);
    let shown = without_zeros(cut);
    tracing::warn!(
        path = %path.display(),
        position = tail.begin + line_begin,
        length_bytes = cut.len(),
        content = %String::from_utf8_lossy(shown.get(..SHOWN_BYTES_MAX).unwrap_or(shown)),
        "the audit log ended with a torn record that was never acknowledged; it was cut off"
    );
}

/// The last bytes of the file, enough to hold its last line.
struct Tail {
    /// Where in the file they begin.
    begin: u64,
    bytes: Vec<u8>,
}

/// How the file ends. Positions count from the beginning of the tail.
#[derive(PartialEq, Eq, Debug)]
enum Ending {
    /// With a whole record, or the file is empty.
    Whole,
    /// With a line that begins like a record, has its newline, and is none: it may have been acknowledged and damaged since.
    Unreadable,
    /// With something that the audit log never writes, nor a part of it.
    Foreign,
    /// With a whole record, but zero bytes, if anything, instead of its newline.
    WithoutNewline { line_end: u64 },
    /// With part of a record, or zero bytes, or both.
    Torn { line_begin: u64 },
}

fn read_tail(file: &File, length: u64, path: &Path) -> Result<Tail, OpenError> {
    for tail_bytes in TAIL_BYTES {
        let begin = length.saturating_sub(tail_bytes);
        let mut bytes = vec![0; usize::try_from(length - begin).unwrap_or(usize::MAX)];
        file.read_exact_at(&mut bytes, begin).map_err(failed("read", path))?;
        let tail = Tail { begin, bytes };
        if begin == 0 || tail.last_line_begin() > 0 {
            return Ok(tail);
        }
    }
    Err(OpenError::NotAnAuditLog { path: path.to_owned(), reason: "its last line is longer than any record" })
}

impl Tail {
    fn from(&self, position: u64) -> &[u8] {
        usize::try_from(position).ok().and_then(|position| self.bytes.get(position..)).unwrap_or_default()
    }

    /// Where the last line begins that has a byte other than its newline; 0 if that is before the tail.
    fn last_line_begin(&self) -> u64 {
        let content = without_zeros(&self.bytes);
        // A newline that is followed by zeros alone still ends the last line; what has to go then is the zeros.
        let searched = match content.len() == self.bytes.len() {
            true => content.strip_suffix(b"\n").unwrap_or(content),
            false => content,
        };
        searched.iter().rposition(|&byte| byte == b'\n').map_or(0, |position| position as u64 + 1)
    }

    fn ending(&self) -> Ending {
        let line_begin = self.last_line_begin();
        let last = self.from(line_begin);
        match last.strip_suffix(b"\n") {
            _ if last.is_empty() => Ending::Whole,
            _ if !begins_like_a_record(last) => Ending::Foreign,
            Some(line) if is_record(line) => Ending::Whole,
            Some(_) => Ending::Unreadable,
            None if is_record(without_zeros(last)) => {
                Ending::WithoutNewline { line_end: line_begin + without_zeros(last).len() as u64 }
            }
            None => Ending::Torn { line_begin },
        }
    }
}

/// Zero bytes are what some file systems leave in place of a record after a loss of power.
fn begins_like_a_record(line: &[u8]) -> bool {
    matches!(line.first(), Some(b'{' | 0))
}

/// No part of an object is itself one, so this holds for whole records only.
fn is_record(line: &[u8]) -> bool {
    serde_json::from_slice::<Value>(line).is_ok_and(|value| value.is_object())
}

fn without_zeros(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().rev().take_while(|&&byte| byte == 0).count();
    bytes.get(..bytes.len() - zeros).unwrap_or_default()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::UnixListener;

    use super::*;

    fn repaired(content: &[u8]) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        fs::write(&path, content).unwrap();
        open(&path).unwrap();
        fs::read(&path).unwrap()
    }

    #[test]
    fn endings_that_a_crash_may_leave() {
        // content, repaired
        let cases: &[(&[u8], &[u8])] = &[
            (b"", b""),
            (b"{\"a\":1}\n", b"{\"a\":1}\n"),
            (b"{\"a\":1}\n{\"b\":2}\n", b"{\"a\":1}\n{\"b\":2}\n"),
            (b"{\"a\":1}\n{\"b\":2}", b"{\"a\":1}\n{\"b\":2}\n"),
            (b"{\"a\":1}", b"{\"a\":1}\n"),
            (b"{\"a\":1}\n{\"b\":2", b"{\"a\":1}\n"),
            (b"{\"a\":1}\n{", b"{\"a\":1}\n"),
            (b"{\"a\":\"}", b""),
            (b"{\"a\":1}\n{\"b\":{}", b"{\"a\":1}\n"),
            (b"{\"a\":1}\n{\"b\":\"\xC3", b"{\"a\":1}\n"),
            (b"{\"a\":1}\n\0\0\0", b"{\"a\":1}\n"),
            (b"{\"a\":1}\n{\"b\":2}\0\0\0", b"{\"a\":1}\n{\"b\":2}\n"),
            (b"{\"a\":1}\n{\"b\"\0\0\0", b"{\"a\":1}\n"),
            (b"\0\0\0", b""),
            (b"{\"a\":1}\n{damaged}\n", b"{\"a\":1}\n{damaged}\n"),
            (b"{\"a\":1}\n\0\0}\n", b"{\"a\":1}\n\0\0}\n"),
        ];
        for (content, expected) in cases {
            let content_text = String::from_utf8_lossy(content);
            assert_eq!(
                String::from_utf8_lossy(&repaired(content)),
                String::from_utf8_lossy(expected),
                "{content_text:?}"
            );
            assert_eq!(&repaired(expected), expected, "once more: {content_text:?}");
        }
    }

    #[test]
    fn torn_lines_of_any_length() {
        for length in TAIL_BYTES.map(|bytes| usize::try_from(bytes).unwrap()) {
            for length in [length - 20, length - 9, length - 8, length - 7] {
                let torn = [b"{\"a\":1}\n{\"b\":\"".as_slice(), &vec![b'x'; length]].concat();
                assert!(repaired(&torn) == b"{\"a\":1}\n", "{length}");
            }
        }
    }

    #[test]
    fn every_cut_of_a_log_keeps_its_whole_records() {
        let log = b"{\"a\":\"\\n\"}\n{\"b\":[{}]}\n";
        for cut in 0..=log.len() {
            let expected: &[u8] = match cut {
                0..10 => b"",
                10..21 => b"{\"a\":\"\\n\"}\n",
                _ => log,
            };
            assert_eq!(repaired(&log[..cut]), expected, "{cut}");
        }
    }

    #[test]
    fn a_file_named_by_mistake_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.txt");
        let long = [b"{".as_slice(), &vec![b' '; 17 << 20]].concat();
        for content in
            [b"remember the milk".as_slice(), b"\n", b"[1]\n", b"{\n\"a\": 1\n}", b"{\n}\n", b"{\"a\":1}\n\n", &long]
        {
            fs::write(&path, content).unwrap();
            assert!(matches!(open(&path).unwrap_err(), OpenError::NotAnAuditLog { .. }));
            assert!(fs::read(&path).unwrap() == content);
        }
    }

    #[test]
    fn a_new_log_is_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        open(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, MODE);
    }

    #[test]
    fn other_than_regular_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("socket");
        let _listener = UnixListener::bind(&socket).unwrap();
        for (path, expected) in
            [(folder.path(), "a folder"), (Path::new("/dev/full"), "a device"), (&socket, "a socket")]
        {
            let message = open(path).unwrap_err().to_string();
            assert!(message.contains(&format!("is {expected}, not a regular file")), "{message}");
        }
        let missing = folder.path().join("missing").join("audit.log");
        assert!(matches!(open(&missing).unwrap_err(), OpenError::NoFolder { .. }));
    }

    #[test]
    fn a_second_writer_is_refused_until_the_first_ends() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        let first = open(&path).unwrap();
        let message = open(&path).unwrap_err().to_string();
        assert!(message.contains("in use by another process"), "{message}");
        drop(first);
        open(&path).unwrap();
    }
}
