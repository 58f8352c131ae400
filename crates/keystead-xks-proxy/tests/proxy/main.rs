//! A running proxy over real sockets with TLS, and a client that signs as KMS does.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod access_log;
mod apis;
mod authentication;
mod errors;
mod key_life;
mod mutual_tls;
mod shutdown;
mod slow_clients;
mod support;
mod tls;
