//! A KMS over simulated HSMs, and one that calls it.

pub mod certificates;
pub mod server;
pub mod simulated_hsms;

pub use server::{Installation, Server};
pub use simulated_hsms::{Cut, CutKind, SimulatedHsms};
