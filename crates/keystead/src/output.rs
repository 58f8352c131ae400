//! What is printed for a person or a program that reads standard output.

use std::io::{self, Write};

/// Prints one line, and has it out at once: others wait for it.
pub(crate) fn line(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}
