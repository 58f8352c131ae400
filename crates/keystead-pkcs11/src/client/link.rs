//! The connections to one worker process.

use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use super::connection::Connection;

/// Connections that nobody uses at this moment, and the way to more. How many there are, the callers' permits bound.
pub(super) struct Link {
    socket: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Link {
    pub(super) fn new(socket: PathBuf) -> Self {
        Self { socket, idle: Mutex::new(Vec::new()) }
    }

    /// The connection that was used last, or a new one.
    pub(super) async fn connection(&self) -> io::Result<Connection> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match idle {
            Some(connection) => Ok(connection),
            None => Connection::open(&self.socket).await,
        }
    }

    /// Gives a connection back whose answer was read.
    pub(super) fn give_back(&self, connection: Connection) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }
}
