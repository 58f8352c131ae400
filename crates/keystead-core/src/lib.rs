//! The domain of Keystead: custom key stores, KMS keys, access, the operations of the KMS API, and the ports they need.
//!
//! The core does no I/O of its own. Everything outside comes in through the traits of [`port`]: the durable [`port::Store`],
//! the [`port::KeyStoreBackend`] and the [`port::HsmBackend`] behind custom key stores, the [`port::HsmClusters`], the [`port::AuditLog`],
//! the [`port::Clock`] and the [`port::Entropy`]. The entry point is [`Kms::invoke`].

pub mod access;
pub mod api_service;
pub mod audit;
pub mod background;
pub mod catalog;
pub mod crash_point;
pub mod error;
pub mod key;
pub mod key_store;
pub mod kms;
pub mod operation;
pub mod page_marker;
pub mod port;
pub mod quota;
pub mod sealing;

pub use error::KmsError;
pub use kms::{Kms, Ports};
