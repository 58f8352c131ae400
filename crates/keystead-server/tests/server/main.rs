//! A whole server over real sockets, with a Kms whose ports are made for the tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bad_signatures;
mod certificate_reload;
mod limits;
mod panic_safety;
mod protocols;
mod query_services;
mod regions;
mod services;
mod sessions;
mod shutdown;
mod signature_errors;
mod support;
mod unreadable_heads;
mod vpc_endpoints;
