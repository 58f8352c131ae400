//! Policies of IAM over the real store: managed, inline, attached, boundaries, OpenID Connect providers, simulations.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod attached;
mod authorization;
mod inline;
#[path = "../../../keystead-core/tests/support/installation.rs"]
#[allow(dead_code, unreachable_pub)]
mod installation;
mod managed;
#[path = "../../../keystead-core/tests/support/no_key_stores.rs"]
#[allow(unreachable_pub)]
mod no_key_stores;
mod oidc;
mod simulated;
mod support;
mod versions;
