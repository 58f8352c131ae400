//! AWS CloudHSM key stores, over a real store and simulated HSMs.
//!
//! The simulated HSMs (`support/simulated_hsms.rs`) can be made to cut any call short, before or after its effect: with an error, or by
//! never answering, which is how a crash of the server looks.
#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod connect;
mod custom_key_stores;
mod interrupted_connect;
mod job_lease;
mod keys;
mod support;
