//! Appending groups of lines, each whole or not at all.

use std::io;

use crate::synced_file::SyncedFile;

/// How durable an acknowledged record is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Durability {
    /// On stable storage: it survives a loss of power. The default of the configuration.
    Fsync,
    /// Handed to the operating system: it survives the end of the process, not a loss of power.
    Buffered,
}

/// Appends groups to a file and takes back what a failed attempt left.
pub(crate) struct Appender<F> {
    file: F,
    durability: Durability,
    /// Where the last whole group ends; `Some` while something that was not acknowledged may stand behind it.
    whole_length: Option<u64>,
    /// Whether the last group failed, so that a full disk is one message in the log and not thousands.
    failing: bool,
}

impl<F: SyncedFile> Appender<F> {
    /// Continues a file that ends with a whole line.
    pub(crate) fn new(file: F, durability: Durability) -> Self {
        Self { file, durability, whole_length: None, failing: false }
    }

    /// Appends a group of whole lines; on `Ok` it is as durable as configured.
    ///
    /// On an error nothing of the group stays in the file; if it cannot be taken back now, no later group is written before it is.
    pub(crate) fn append(&mut self, group: &[u8]) -> io::Result<()> {
        let outcome = self.append_or_roll_back(group);
        match &outcome {
            Err(error) if !self.failing => {
                tracing::error!(%error, "the audit log cannot be written; requests fail until it can: check the disk and its free space");
            }
            Ok(()) if self.failing => tracing::info!("the audit log can be written again"),
            _ => {}
        }
        self.failing = outcome.is_err();
        outcome
    }

    /// Brings everything acknowledged to stable storage, whatever the configured durability, and releases the file.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        let synced = self.roll_back().and_then(|()| self.file.sync());
        synced.and(self.file.unlock())
    }

    fn append_or_roll_back(&mut self, group: &[u8]) -> io::Result<()> {
        self.roll_back()?;
        // Asked each time rather than counted: an operator may have emptied the file.
        self.whole_length = Some(self.file.length()?);
        let outcome = self.write_whole(group).and_then(|()| self.make_durable());
        match outcome {
            Ok(()) => self.whole_length = None,
            Err(_) => {
                if let Err(error) = self.roll_back() {
                    tracing::warn!(%error, "a partly written group of audit records could not be cut off yet");
                }
            }
        }
        outcome
    }

    fn write_whole(&mut self, mut rest: &[u8]) -> io::Result<()> {
        while !rest.is_empty() {
            match self.file.append(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(taken) => rest = rest.get(taken..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    // A failed sync is never repeated for the same bytes: the system may have dropped them and would report success. The group is
    // taken back, and the next one is written anew.
    fn make_durable(&mut self) -> io::Result<()> {
        match self.durability {
            Durability::Fsync => self.file.sync(),
            Durability::Buffered => Ok(()),
        }
    }

    // Needs no sync of its own: should a crash bring the bytes back, they are records that nobody was answered for, and opening the
    // file repairs a torn one.
    fn roll_back(&mut self) -> io::Result<()> {
        let Some(whole_length) = self.whole_length else {
            return Ok(());
        };
        if self.file.length()? > whole_length {
            self.file.truncate(whole_length)?;
        }
        self.whole_length = None;
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::fault_file::{FaultFile, Faults};

    fn appender(faults: Faults) -> (Appender<FaultFile>, FaultFile) {
        let file = FaultFile::new(faults);
        (Appender::new(file.clone(), Durability::Fsync), file)
    }

    #[test]
    fn short_and_interrupted_writes_are_continued() {
        let (mut appender, file) =
            appender(Faults { write_bytes_max: Some(3), interrupt_every: Some(2), ..Faults::default() });
        appender.append(b"{\"a\":1}\n{\"b\":2}\n").unwrap();
        assert_eq!(file.content(), b"{\"a\":1}\n{\"b\":2}\n");
        assert_eq!(file.synced(), file.content());
    }

    #[test]
    fn a_file_that_takes_nothing_is_an_error() {
        let (mut appender, file) = appender(Faults { write_bytes_max: Some(0), ..Faults::default() });
        assert_eq!(appender.append(b"{}\n").unwrap_err().kind(), io::ErrorKind::WriteZero);
        assert_eq!(file.content(), b"");
    }

    #[test]
    fn a_full_disk_leaves_no_half_line_and_recovers() {
        let (mut appender, file) = appender(Faults { space_bytes: Some(12), ..Faults::default() });
        appender.append(b"{\"a\":1}\n").unwrap();
        assert_eq!(appender.append(b"{\"b\":2}\n").unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(file.content(), b"{\"a\":1}\n");

        file.set_faults(Faults::default());
        appender.append(b"{\"c\":3}\n").unwrap();
        assert_eq!(file.content(), b"{\"a\":1}\n{\"c\":3}\n");
        assert_eq!(file.synced(), file.content());
    }

    #[test]
    fn a_failed_sync_takes_the_group_back() {
        let (mut appender, file) = appender(Faults::default());
        appender.append(b"{\"a\":1}\n").unwrap();
        file.set_faults(Faults { sync_fails: true, ..Faults::default() });
        appender.append(b"{\"b\":2}\n").unwrap_err();
        assert_eq!(file.content(), b"{\"a\":1}\n");

        file.set_faults(Faults::default());
        appender.append(b"{\"c\":3}\n").unwrap();
        assert_eq!(file.synced(), b"{\"a\":1}\n{\"c\":3}\n");
    }

    #[test]
    fn nothing_is_written_behind_a_half_line_that_cannot_be_cut_off() {
        let (mut appender, file) = appender(Faults { space_bytes: Some(4), truncate_fails: true, ..Faults::default() });
        assert_eq!(appender.append(b"{\"a\":1}\n").unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(file.content(), b"{\"a\"");

        file.set_faults(Faults { truncate_fails: true, ..Faults::default() });
        appender.append(b"{\"b\":2}\n").unwrap_err();
        assert_eq!(file.content(), b"{\"a\"");

        file.set_faults(Faults::default());
        appender.append(b"{\"c\":3}\n").unwrap();
        assert_eq!(file.content(), b"{\"c\":3}\n");
    }

    #[test]
    fn a_file_that_an_operator_emptied_is_never_filled_with_zeros() {
        let (mut appender, file) =
            appender(Faults { space_bytes: Some(12), truncate_fails: true, ..Faults::default() });
        appender.append(b"{\"a\":1}\n").unwrap();
        appender.append(b"{\"b\":2}\n").unwrap_err();
        file.empty();
        file.set_faults(Faults::default());
        appender.append(b"{\"c\":3}\n").unwrap();
        assert_eq!(file.content(), b"{\"c\":3}\n");
    }

    #[test]
    fn buffered_groups_are_synced_only_when_asked() {
        let file = FaultFile::new(Faults::default());
        let mut appender = Appender::new(file.clone(), Durability::Buffered);
        appender.append(b"{}\n").unwrap();
        assert_eq!((file.content(), file.sync_count()), (b"{}\n".to_vec(), 0));
        appender.finish().unwrap();
        assert_eq!(file.synced(), b"{}\n");
        assert!(file.is_unlocked());
    }
}
