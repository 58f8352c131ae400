//! Policies of IAM over the real store: managed, inline, attached, boundaries, OpenID Connect providers, simulations.

mod attached;
mod authorization;
mod inline;
mod managed;
mod oidc;
mod simulated;
mod support;
mod versions;
