//! One behaviour on every module: clusters of real tokens in real worker processes, used through the port.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod calls;
mod connecting;
mod key_generation;
mod key_material;
mod logging_in_again;
mod loss;
mod support;
