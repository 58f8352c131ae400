//! From an HTTP request to an operation of a service, and from its answer to an HTTP response.
//!
//! The order of the checks (KMS core digest 1.4): service and target, authentication, then, inside the service, body, constraints and the rest. What
//! authentication can tell from the head alone it tells before the body is read.

mod answer;
mod authentication;
mod bad_signatures;
mod body;
mod dispatch;
mod failed_authentications;
mod form;
mod protocol;
mod refusal;
mod service;
mod serving;
mod signed_head;
mod signing_keys;

pub(crate) use answer::REQUEST_ID;
pub(crate) use serving::{Front, Peer};
