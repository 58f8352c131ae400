//! Tokens of real keys, key sets in real files, and a real server with TLS.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bad_tokens;
mod good_tokens;
mod key_files;
mod key_server;
mod signer;
mod uris;
mod waiting;
