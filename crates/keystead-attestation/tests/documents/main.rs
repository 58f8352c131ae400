//! Attestation documents of a made-up PKI that is like Nitro's, and one that Nitro made: what is accepted, what is refused and
//! why, and whether the answer can be read by who holds the private key, and by other implementations of CMS.

#![allow(clippy::unwrap_used, clippy::panic)]

mod accepted;
mod altered;
mod answer;
mod nitro;
mod refused;
mod refused_certificates;
mod support;
