//! A line typed without being shown: what each key does to it.

use zeroize::Zeroizing;

/// Longer input is no password.
const BYTES_MAX: usize = 1024;

/// What the next byte of the terminal meant.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Typed {
    /// The line goes on.
    More,
    /// The line is complete.
    Done,
    /// The person wants out: Ctrl-C, or Ctrl-D.
    Aborted,
}

/// A line so far.
pub(super) struct HiddenLine(Zeroizing<Vec<u8>>);

impl HiddenLine {
    pub(super) fn new() -> Self {
        Self(Zeroizing::new(Vec::with_capacity(BYTES_MAX)))
    }

    pub(super) fn push(&mut self, byte: u8) -> Typed {
        const CTRL_C: u8 = 0x03;
        const CTRL_D: u8 = 0x04;
        const BACKSPACE: u8 = 0x08;
        const CTRL_U: u8 = 0x15;
        const DELETE: u8 = 0x7f;
        match byte {
            b'\n' | b'\r' => return Typed::Done,
            CTRL_C | CTRL_D => return Typed::Aborted,
            BACKSPACE | DELETE => self.erase_character(),
            CTRL_U => self.0.clear(),
            byte if self.0.len() < BYTES_MAX => self.0.push(byte),
            _ => {}
        }
        Typed::More
    }

    /// The bytes of UTF-8 after a character's first are 10xxxxxx.
    fn erase_character(&mut self) {
        while self.0.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
    }

    /// The text; `None` if it is not UTF-8.
    pub(super) fn text(&self) -> Option<Zeroizing<String>> {
        std::str::from_utf8(&self.0).ok().map(|text| Zeroizing::new(text.to_owned()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn typed(bytes: &[u8]) -> (Typed, String) {
        let mut line = HiddenLine::new();
        let last = bytes.iter().map(|byte| line.push(*byte)).find(|typed| *typed != Typed::More);
        (last.unwrap_or(Typed::More), line.text().unwrap().to_string())
    }

    #[test]
    fn keys_edit_the_line() {
        for (bytes, text) in [
            (b"abc\n".as_slice(), "abc"),
            (b"abc\r", "abc"),
            (b"ab\x7fc\n", "ac"),
            (b"ab\x08\x08\x08c\n", "c"),
            ("aü\u{7f}c\n".as_bytes(), "ac"),
            (b"wrong\x15right\n", "right"),
            (b"\n", ""),
        ] {
            assert_eq!(typed(bytes), (Typed::Done, text.to_owned()));
        }
        assert_eq!(typed(b"ab\x03").0, Typed::Aborted);
        assert_eq!(typed(b"ab\x04").0, Typed::Aborted);
        assert_eq!(typed(b"ab").0, Typed::More);
    }

    #[test]
    fn input_without_end_takes_no_memory_without_end() {
        let mut line = HiddenLine::new();
        (0..2 * BYTES_MAX).for_each(|_| assert_eq!(line.push(b'a'), Typed::More));
        assert_eq!(line.text().unwrap().len(), BYTES_MAX);
    }
}
