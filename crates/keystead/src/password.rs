//! Passwords from people and programs: never from a command line, which every process on the machine may read.

mod hidden_line;
mod terminal;

use std::io::Read;
use std::path::{Path, PathBuf};

use keystead_private_file::read_private;
use zeroize::Zeroizing;

use crate::Failure;
use terminal::Terminal;

/// No password of an HSM's user is longer; a file that is longer holds something else.
const FILE_BYTES_MAX: u64 = 1024;
/// The name of a file that stands for standard input.
const STANDARD_INPUT: &str = "-";

/// Where a password comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PasswordSource<'a> {
    /// Whose it is, as the prompt says it: `crypto officer's password`.
    pub(crate) what: &'a str,
    /// The option that names a file instead: `--co-password-file`.
    pub(crate) option: &'a str,
    /// The file, if the option was given.
    pub(crate) file: Option<&'a Path>,
}

impl PasswordSource<'_> {
    /// The password as it is: from the file, else asked for on the terminal.
    pub(crate) fn current(self) -> Result<Zeroizing<String>, Failure> {
        self.read(|terminal| terminal.ask(self.what))
    }

    /// A password to be set: asked for twice on a terminal, so that a slip locks nobody out.
    pub(crate) fn new_one(self) -> Result<Zeroizing<String>, Failure> {
        self.read(|terminal| {
            let first = terminal.ask(self.what)?;
            let again = terminal.ask(&format!("{} again", self.what))?;
            if *first == *again { Ok(first) } else { Err("the two passwords differ; nothing was changed".into()) }
        })
    }

    fn read(
        self,
        ask: impl FnOnce(&mut Terminal) -> Result<Zeroizing<String>, Failure>,
    ) -> Result<Zeroizing<String>, Failure> {
        let Some(file) = self.file else {
            let mut terminal = Terminal::open().map_err(|error| {
                format!(
                    "there is no terminal to ask for the {} on ({error}); name a file that holds it with {}",
                    self.what, self.option
                )
            })?;
            return ask(&mut terminal);
        };
        let text =
            if file == Path::new(STANDARD_INPUT) { standard_input() } else { read_private(file, FILE_BYTES_MAX) };
        let text = text.map_err(|error| format!("{} {}: {error}", self.option, file.display()))?;
        only_line(&text).map_err(|error| format!("{} {}: {error}", self.option, file.display()).into())
    }
}

/// Standard input can be read once only.
pub(crate) fn refuse_shared_input<'a>(files: impl IntoIterator<Item = &'a PathBuf>) -> Result<(), Failure> {
    let from_input = files.into_iter().filter(|file| file.as_path() == Path::new(STANDARD_INPUT));
    if from_input.count() > 1 {
        return Err("two passwords cannot both come from standard input: name a file for one of them".into());
    }
    Ok(())
}

fn standard_input() -> std::io::Result<Zeroizing<Vec<u8>>> {
    // Room for everything at once: a buffer that grows would leave copies behind.
    let mut text = Zeroizing::new(Vec::with_capacity(FILE_BYTES_MAX as usize + 1));
    std::io::stdin().lock().take(FILE_BYTES_MAX).read_to_end(&mut text)?;
    Ok(text)
}

/// The text without the line end that editors and `echo` leave.
fn only_line(text: &[u8]) -> Result<Zeroizing<String>, &'static str> {
    let text = std::str::from_utf8(text).map_err(|_| "it is not text")?;
    let line = text.strip_suffix('\n').unwrap_or(text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    match line {
        "" => Err("it is empty; the file must hold the password and nothing else"),
        line if line.contains(['\n', '\r']) => {
            Err("it has more than one line; the file must hold the password and nothing else")
        }
        line => Ok(Zeroizing::new(line.to_owned())),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use keystead_private_file::create_private;

    use super::*;

    fn from_file(content: &[u8]) -> Result<String, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        create_private(&file, content).unwrap();
        let source = PasswordSource { what: "password", option: "--password-file", file: Some(&file) };
        source.current().map(|password| password.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_file_holds_the_password_and_one_line_end_at_the_most() {
        for text in ["secret1", "secret1\n", "secret1\r\n"] {
            assert_eq!(from_file(text.as_bytes()).unwrap(), "secret1");
        }
        assert_eq!(from_file(b" blanks count ").unwrap(), " blanks count ");
    }

    #[test]
    fn what_holds_no_password_is_refused_by_name() {
        for (content, problem) in
            [(b"".as_slice(), "empty"), (b"\n", "empty"), (b"a\nb\n", "more than one line"), (b"\xff", "not text")]
        {
            let error = from_file(content).unwrap_err();
            assert!(error.contains(problem) && error.starts_with("--password-file "), "{error}");
        }
        assert!(from_file(&[b'a'; 1025]).unwrap_err().contains("at most 1024"));
    }

    #[test]
    fn standard_input_is_read_once() {
        let (input, file) = (PathBuf::from("-"), PathBuf::from("file"));
        assert!(refuse_shared_input([&input, &file]).is_ok());
        assert!(refuse_shared_input([&input, &input]).is_err());
    }
}
