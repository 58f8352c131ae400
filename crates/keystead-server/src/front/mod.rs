//! From an HTTP request to an operation, and from its answer to an HTTP response.
//!
//! The order of the checks (KMS core digest 1.4): target, authentication, then, inside the core, body, constraints and the rest. What
//! authentication can tell from the head alone it tells before the body is read.

mod answer;
mod authentication;
mod aws_json;
mod body;
mod refusal;
mod signing_keys;
mod target;

pub(crate) use answer::REQUEST_ID;
pub(crate) use aws_json::{Front, Peer};
