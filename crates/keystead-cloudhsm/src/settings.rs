//! What an operator may set.

use std::path::PathBuf;
use std::time::Duration;

use keystead_model::arn::Region;
use keystead_pkcs11::Profile;
use keystead_pkcs11::soft_token::SoftTokenKind;

use crate::quota::Quotas;

/// Settings of [`crate::CloudHsm`].
#[derive(Clone, Debug)]
pub struct CloudHsmSettings {
    /// The Region that this service is.
    pub region: Region,
    /// Absolute path of the folder that soft tokens (`hsm/`) and backups (`hsm-backups/`) are kept in.
    pub data_folder: PathBuf,
    /// What the tokens of new clusters are made with. Without it CreateCluster is refused: there are registered clusters only.
    pub soft_module: Option<SoftModule>,
    /// Where the modules of soft tokens are. Clusters use them wherever their module was when they were made: an upgrade may move it.
    pub soft_modules: Vec<SoftModule>,
    /// How long backups are kept unless CreateCluster says otherwise, in days: 7 to 379; 90 on AWS.
    pub backup_retention_days: u16,
    /// How often a cluster is backed up without anybody asking for it; 24 hours on AWS.
    pub backup_interval: Duration,
    /// The least time spent in a state that passes by itself, so that it can be seen.
    pub transition_min: Duration,
    /// How long an HSM may be out of reach until it is shown as DEGRADED, and until DeleteHsm goes on without a last backup of it.
    pub degraded_after: Duration,
    /// How long clusters and backups are shown as DELETED before they vanish (AWS documents no time; an hour is unverified).
    pub deleted_shown_for: Duration,
    /// What an account may have.
    pub quotas: Quotas,
}

/// A module that keeps tokens in files.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SoftModule {
    /// Which one it is.
    pub kind: SoftTokenKind,
    /// The shared library.
    pub module: PathBuf,
    /// How it behaves.
    pub profile: Profile,
}
