//! Signatures as a server verifies them: published ones, those of other signers, changed ones, and whatever else arrives.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod arbitrary_bytes;
mod published_vectors;
mod tampering;
mod xks_health_request;
