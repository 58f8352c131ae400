//! STS over the real store: roles, chains of roles, sessions of users, web identities, and what becomes of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod access_keys;
mod assumed_roles;
mod chains;
mod endings;
#[path = "../../../keystead-core/tests/kms/support/installation.rs"]
#[allow(dead_code, unreachable_pub)]
mod installation;
mod limits;
#[path = "../../../keystead-core/tests/kms/support/no_key_stores.rs"]
#[allow(unreachable_pub)]
mod no_key_stores;
mod other_accounts;
mod protocol;
mod refusals;
mod support;
mod tags;
mod user_sessions;
mod web_identities;
#[path = "../support/xml.rs"]
#[allow(unreachable_pub)]
mod xml;
