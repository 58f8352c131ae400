//! Listeners, TLS, the front ends for AWS JSON 1.1 and the query protocols, and dispatch.
//!
//! [`Server::bind`] takes a [`ServerConfig`], the [`Kms`](keystead_core::Kms) to serve, and the [`Services`] beside it; [`Server::serve`]
//! answers requests until it is told to stop, then finishes those in flight.
//!
//! The way of a request: [`keystead_listener`] accepts and speaks HTTP, `connection` speaks TLS, `front` finds out which service the head
//! calls, authenticates, reads the body, and hands it to [`Kms::invoke`](keystead_core::Kms::invoke) or to
//! [`ApiService::invoke`](keystead_core::api_service::ApiService::invoke). What is refused before that goes through the service's `refuse`,
//! so that every request leaves one audit record.
//!
//! What cannot be parsed as HTTP/1 (a malformed request line, more than 500 headers, a head of more than twice the limit) is answered and
//! recorded by `unreadable_head`, in place of the HTTP library's bare 400 or 431. In HTTP/2 such a stream is ended by the library, which
//! may send a bare 431: there is no request, and no record.

mod config;
mod connection;
mod front;
mod server;
mod services;
mod start_error;
mod tls;
mod unreadable_head;
mod vpc_endpoint;

pub use config::{Limits, ServerConfig, TlsFiles};
pub use server::{ServeError, Server};
pub use services::Services;
pub use start_error::StartError;
pub use tls::TlsError;
pub use vpc_endpoint::VpcEndpointNetworks;
