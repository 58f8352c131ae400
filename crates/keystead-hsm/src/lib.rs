//! The [`keystead_core::port::HsmBackend`] port for clusters of PKCS#11 HSMs.
//!
//! A cluster is a set of HSMs, each behind a worker of its own (`keystead-pkcs11`). Here is what makes a cluster of them: login and password of
//! `kmsuser` on every HSM, keys that are on all of them, and calls that any of them can answer.

mod directory;

pub use directory::{ClusterDirectoryEntry, ClusterMember, HsmDirectory};
