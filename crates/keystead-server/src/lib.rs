//! Listeners, TLS, the AWS JSON 1.1 front end and dispatch.
//!
//! [`Server::bind`] takes a [`ServerConfig`] and the [`Kms`](keystead_core::Kms) to serve; [`Server::serve`] answers requests until it
//! is told to stop, then finishes those in flight.
//!
//! The way of a request: `listener` accepts, `connection` speaks TLS and HTTP, `front` reads the target, authenticates, reads the body
//! and hands both to [`Kms::invoke`](keystead_core::Kms::invoke). What is refused before that goes through
//! [`Kms::refuse`](keystead_core::Kms::refuse), so that every request that was parsed as HTTP leaves one audit record.
//!
//! What HTTP itself cannot parse (a malformed request line, more than 100 headers, a head of more than twice the limit) is answered by
//! the HTTP library with a bare 400 or 431 and leaves no record: there is no request to record.

mod activity;
mod config;
mod connection;
mod front;
mod listener;
mod shutdown;
mod start_error;
mod tls;

pub use config::{Limits, ServerConfig, TlsFiles};
pub use listener::{ServeError, Server};
pub use start_error::StartError;
pub use tls::TlsError;
