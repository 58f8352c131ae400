//! The [`AuditLog`] port on a file: one JSON line for each record, durable before the request's answer leaves.
//!
//! Source: design invariant "No response without its audit record", with group commit so that one sync serves many requests.
//!
//! - [`FileAuditLog`]: the port; serialises a record on the caller's task and waits for its group;
//! - `writer`: one thread that takes all queued lines, appends them as a group and completes their waiters; while it syncs, the
//!   next group gathers;
//! - `appender`: a group reaches the file whole or not at all;
//! - `synced_file`: what the appender needs of a file, the seam for fault injection;
//! - `open`: which files are accepted, the lock, and the repair of what a crash left.
//!
//! [`AuditLog`]: keystead_core::port::AuditLog

mod appender;
mod file_audit_log;
mod open;
mod synced_file;
mod writer;

#[cfg(test)]
mod fault_file;

pub use appender::Durability;
pub use file_audit_log::FileAuditLog;
pub use open::OpenError;
