//! The IAM API, member by member.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../support/mod.rs"]
mod support;

mod access_keys;
mod authorization_details;
mod groups;
mod not_kept;
mod permissions;
mod protocol;
mod roles;
mod user_sessions;
mod users;
