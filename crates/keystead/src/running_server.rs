//! Which running server a command talks to.

use std::path::PathBuf;

use crate::Failure;
use crate::cli::RunningServer;
use crate::config::Config;

impl RunningServer {
    /// The data folder of the server.
    pub(crate) fn data_folder(self) -> Result<PathBuf, Failure> {
        match self.data_dir {
            Some(folder) => Ok(folder),
            None => Ok(Config::load(&self.config)?.data_dir),
        }
    }
}
