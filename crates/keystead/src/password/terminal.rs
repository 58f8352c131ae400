//! The terminal of the person who started the command, whatever input and output are led to.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use super::hidden_line::{HiddenLine, Typed};
use crate::Failure;

const TERMINAL: &str = "/dev/tty";

/// An open terminal.
pub(super) struct Terminal(File);

/// Shows nothing of what is typed, until it is dropped. Ctrl-C comes as a byte meanwhile, so that it cannot leave the terminal like this.
struct Hidden<'a> {
    terminal: &'a File,
    before: Termios,
}

impl Terminal {
    pub(super) fn open() -> io::Result<Self> {
        OpenOptions::new().read(true).write(true).open(TERMINAL).map(Self)
    }

    /// Asks for a password and reads it without showing it.
    pub(super) fn ask(&mut self, what: &str) -> Result<Zeroizing<String>, Failure> {
        write!(self.0, "{}: ", capitalised(what))?;
        let line = read_hidden(&self.0);
        // The line end was not shown either.
        writeln!(self.0)?;
        let text = line?.text().ok_or_else(|| format!("the {what} is not text"))?;
        if text.is_empty() { Err(format!("the {what} is empty").into()) } else { Ok(text) }
    }
}

fn read_hidden(mut terminal: &File) -> Result<HiddenLine, Failure> {
    let hidden = Hidden::begin(terminal)?;
    let mut line = HiddenLine::new();
    loop {
        let mut byte = Zeroizing::new([0; 1]);
        let end_of_input = terminal.read(&mut *byte)? == 0;
        match line.push(byte[0]) {
            Typed::More if !end_of_input => {}
            Typed::Done => break,
            Typed::Aborted | Typed::More => return Err("no password was entered; nothing was changed".into()),
        }
    }
    drop(hidden);
    Ok(line)
}

impl<'a> Hidden<'a> {
    fn begin(terminal: &'a File) -> io::Result<Self> {
        let before = tcgetattr(terminal)?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG);
        tcsetattr(terminal, OptionalActions::Flush, &hidden)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Hidden<'_> {
    fn drop(&mut self) {
        // The terminal is gone if this fails, and with it the person.
        let _ = tcsetattr(self.terminal, OptionalActions::Now, &self.before);
    }
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().to_string() + characters.as_str())
}
