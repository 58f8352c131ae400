//! What goes to standard output.

use std::io::{self, Write};

/// Prints one line at once.
pub(crate) fn line(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}
