//! HSMs over PKCS#11.
//!
//! An HSM is one token, driven by one worker process of its own (`keystead hsm-worker`): a vendor's C library can neither crash nor stall
//! the server, one HSM's recovery never touches another's, and login state, strike counter and PIN freshness have one owner.
//! This crate has both halves: [`worker`] is what the process runs, [`client`] starts the processes, supervises them and talks to them.
//! It knows nothing of AWS, and nothing of clusters.

pub mod client;
mod error;
mod key;
mod pin;
mod profile;
pub mod soft_token;
mod status;
mod wire;
pub mod worker;

pub use error::HsmError;
pub use key::{Ciphertext, KeyAttributes, KeyId, KeyInfo};
pub use pin::Pin;
pub use profile::{IvSource, OaepHash, PinFormat, Profile, Replication, SnapshotHook};
pub use status::{LoginHolder, TokenStatus};
