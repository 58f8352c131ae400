//! Policies of IAM over the real store: managed, inline, attached, boundaries, OpenID Connect providers, simulations.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod attached;
mod authorization;
mod inline;
mod managed;
mod oidc;
#[path = "../support/mod.rs"]
mod shared;
mod simulated;
mod support;
mod versions;
