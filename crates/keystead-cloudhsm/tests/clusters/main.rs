//! Clusters over real tokens of both modules, real worker processes, and a store that can stop the server at each write.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod backups;
mod crashes;
mod exceptions;
mod hsm_users;
mod life_cycle;
mod registration;
mod support;
