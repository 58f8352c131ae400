//! The [`keystead_core::port::HsmBackend`] port for clusters of PKCS#11 HSMs.
//!
//! A cluster is a set of HSMs, each behind a worker of its own (`keystead-pkcs11`). Here is what makes a cluster of them: login and
//! password of `kmsuser` on every HSM, keys that are on all of them, and calls that any of them can answer.

mod backend;
mod cluster;
mod cluster_certificate;
mod directory;
mod each;
mod failure;
mod key_generation;
mod login_record;
mod masking_key;
mod member;
mod membership;
mod opening;
mod rotation;
mod setback;
mod settings;

pub use backend::HsmClusterBackend;
pub use directory::{ClusterDirectoryEntry, ClusterMember, HsmDirectory};
pub use settings::HsmBackendSettings;
