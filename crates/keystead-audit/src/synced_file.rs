//! What the audit log needs of a file.

use std::fs::File;
use std::io::{self, Write};

/// A file that is only ever appended to. Tests inject faults here.
pub(crate) trait SyncedFile: Send + 'static {
    /// The length in bytes, of all that was appended.
    fn length(&self) -> io::Result<u64>;

    /// Appends at the end. Like `write(2)`: may take fewer bytes than it is given, may be interrupted.
    fn append(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// Returns once all appended bytes, and the length, are on stable storage.
    fn sync(&mut self) -> io::Result<()>;

    /// Cuts the file down to `length` bytes.
    fn truncate(&mut self, length: u64) -> io::Result<()>;

    /// Gives up the lock on the file.
    fn unlock(&mut self) -> io::Result<()>;
}

/// The file was opened for appending, so each write goes to its end whatever was cut off before.
impl SyncedFile for File {
    fn length(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write(bytes)
    }

    // fdatasync also writes the length, as that is needed to read the data back. Space that was allocated and written before would
    // make it about a third cheaper (no change of metadata), but readers would see the zeros of that space after the last line.
    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }

    // Closing alone would not do at once: a process that is being started at that moment still shares the lock.
    fn unlock(&mut self) -> io::Result<()> {
        File::unlock(self)
    }
}
