//! The server's side: starts worker processes, supervises them, and talks to them.

mod hsm;
mod settings;
mod workers;

pub use hsm::Hsm;
pub use settings::{HsmSettings, WorkerSettings};
pub use workers::Workers;
