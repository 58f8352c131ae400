//! The server's side: starts worker processes, supervises them, and talks to them.

mod connection;
mod hsm;
mod line_log;
mod link;
mod process;
mod settings;
mod state;
mod supervisor;
mod workers;

pub use hsm::Hsm;
pub use settings::{HsmSettings, WorkerSettings};
pub use workers::Workers;
