//! The client half against proxies that fail in every documented way, over real sockets and real TLS.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod answers;
mod certificates;
mod circuit;
mod egress;
mod http2;
mod isolation;
mod pooling;
mod retry;
mod support;
mod transport;
