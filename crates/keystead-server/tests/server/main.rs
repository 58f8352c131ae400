//! A whole server over real sockets, with a Kms whose ports are made for the tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod limits;
mod panic_safety;
mod protocols;
mod regions;
mod services;
mod shutdown;
mod signature_errors;
mod support;
mod unreadable_heads;
