//! The keys and algorithms of every key spec, with vectors of others, and with keys as others write them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod agreement;
mod encryption;
mod hmac_keys;
mod key_specs;
mod private_keys;
mod public_keys;
mod signatures;
mod support;
mod wrapping_keys;
mod wycheproof;
