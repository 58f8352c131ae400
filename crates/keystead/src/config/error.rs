//! Why a configuration is refused.

use std::path::{Path, PathBuf};

/// Why a configuration is refused: the file, the key, and what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("configuration {}: {source}; name a file that can be read with --config", file.display())]
    Read { file: PathBuf, source: std::io::Error },
    #[error("configuration {}: {message}", file.display())]
    Content { file: PathBuf, message: String },
}

impl ConfigError {
    /// `file`: the configuration, or what it names, whichever must be corrected.
    pub(super) fn content(file: &Path, message: String) -> Self {
        Self::Content { file: file.to_owned(), message }
    }
}
