//! What drives the HSMs of a cluster.

use std::path::PathBuf;

use keystead_pkcs11::Profile;
use keystead_pkcs11::soft_token::SoftTokenKind;
use serde::{Deserialize, Serialize};

/// The PKCS#11 module of a cluster's HSMs; decided when the cluster is made.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub(crate) struct HsmModule {
    pub(crate) kind: ModuleKind,
    /// The shared library.
    pub(crate) path: PathBuf,
    pub(crate) profile: Profile,
}

/// Whose tokens they are.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub(crate) enum ModuleKind {
    /// Ours, made with kryoptic.
    Kryoptic,
    /// Ours, made with SoftHSM 2.
    Softhsm2,
    /// The owner's, registered: never made, backed up or destroyed here.
    Foreign,
}

impl ModuleKind {
    /// The kind of soft token; `None` for tokens that are not ours.
    pub(crate) fn soft(self) -> Option<SoftTokenKind> {
        match self {
            Self::Kryoptic => Some(SoftTokenKind::Kryoptic),
            Self::Softhsm2 => Some(SoftTokenKind::Softhsm2),
            Self::Foreign => None,
        }
    }
}

impl From<SoftTokenKind> for ModuleKind {
    fn from(kind: SoftTokenKind) -> Self {
        match kind {
            SoftTokenKind::Kryoptic => Self::Kryoptic,
            SoftTokenKind::Softhsm2 => Self::Softhsm2,
        }
    }
}
