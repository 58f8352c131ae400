//! One behaviour on every module: worker processes, driven by the client.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod backups;
mod bad_modules;
mod crashes;
mod independent_look;
mod key_transport;
mod keys;
mod logins;
mod losses;
mod support;
mod tokens;
mod workers;
