//! Clusters of HSMs: the CloudHSM v2 API, certificates, backups, HSM users, and clusters of HSMs that others made.
//!
//! A cluster is one document of the [`keystead_core::port::DocumentStore`], a backup another; each change is one compare-and-set. What
//! takes time is done by [`CloudHsm::run_background`], step by step, each of which may be done again: a crash anywhere is finished after
//! the restart.
//!
//! - [`CloudHsmService`] is the API;
//! - [`HsmUsers`] acts as crypto officer and auditor;
//! - [`CloudHsm`] tells KMS of clusters ([`keystead_core::port::HsmClusters`]) and of their HSMs ([`keystead_hsm::HsmDirectory`]);
//! - [`Registration`] describes a cluster of HSMs that were not made here.

mod backup;
mod certificate;
mod cloud_hsm;
mod cluster;
mod error;
mod hsm_clusters;
mod hsm_directory;
mod hsm_health;
mod hsm_users;
mod identifier;
mod interface;
mod job;
mod operation;
mod quota;
mod records;
mod registration;
mod reinitialization;
mod sealed_text;
mod service;
mod settings;
mod token_files;

pub use cloud_hsm::CloudHsm;
pub use hsm_users::{
    ConnectedKeyStores, HsmKey, HsmKeyList, HsmOutcome, HsmUser, HsmUserList, HsmUserRole, HsmUsers, HsmUsersError,
};
pub use quota::Quotas;
pub use registration::{RegisteredHsm, Registration, RegistrationError};
pub use service::CloudHsmService;
pub use settings::{CloudHsmSettings, SoftModule};
