//! What differs between PKCS#11 modules, as data.
//!
//! Source: CloudHSM key stores digest 7 (measured on kryoptic 1.5.4 and SoftHSM 2.6.1) and 8.11 (AWS CloudHSM client SDK 5).

use serde::{Deserialize, Serialize};

/// How a module behaves where modules differ. A configuration may start from a profile of ours and change single properties.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Profile {
    /// `kryoptic`, `softhsm2`, `cloudhsm-sdk5`, or a name of the owner's.
    pub name: String,
    /// How a user's name and password become a PIN.
    pub pin_format: PinFormat,
    /// Who makes the IV of AES-GCM.
    pub iv_source: IvSource,
    /// How many sessions the worker opens at most.
    pub session_cap: u32,
    /// The hash of RSA-OAEP when the masking key goes from HSM to HSM.
    pub oaep_hash: OaepHash,
    /// What must be saved before a PIN is used or changed.
    pub snapshot_hook: SnapshotHook,
    /// How a new key comes to the other HSMs of a cluster.
    pub replication: Replication,
}

impl Profile {
    /// kryoptic 1.5.4, the software token of `keystead dev`.
    pub fn kryoptic() -> Self {
        Self {
            name: "kryoptic".into(),
            pin_format: PinFormat::Password,
            iv_source: IvSource::Caller,
            // Measured: two keep it busy, and four leave one free when a call is slow. More gain nothing.
            session_cap: 4,
            oaep_hash: OaepHash::Sha256,
            snapshot_hook: SnapshotHook::None,
            replication: Replication::KeyWrap,
        }
    }

    /// SoftHSM 2.6.1.
    pub fn softhsm2() -> Self {
        Self {
            name: "softhsm2".into(),
            pin_format: PinFormat::Password,
            iv_source: IvSource::Caller,
            // Measured: with more its locks cost more than they give.
            session_cap: 2,
            oaep_hash: OaepHash::Sha1,
            snapshot_hook: SnapshotHook::SofthsmTokenObject,
            replication: Replication::KeyWrap,
        }
    }

    /// The PKCS #11 library of AWS CloudHSM client SDK 5. From its documentation: no such HSM was at hand.
    pub fn cloudhsm_sdk5() -> Self {
        Self {
            name: "cloudhsm-sdk5".into(),
            pin_format: PinFormat::UserAndPassword,
            iv_source: IvSource::Token,
            session_cap: 1024,
            oaep_hash: OaepHash::Sha256,
            snapshot_hook: SnapshotHook::None,
            replication: Replication::Vendor,
        }
    }

    /// The profile of ours with this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::kryoptic(), Self::softhsm2(), Self::cloudhsm_sdk5()].into_iter().find(|profile| profile.name == name)
    }
}

/// How a user's name and password become a PIN.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PinFormat {
    /// The password alone.
    Password,
    /// `NAME:PASSWORD`
    UserAndPassword,
}

/// Who makes the IV of AES-GCM.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IvSource {
    /// The caller: 12 random bytes made anew for each call.
    Caller,
    /// The token, which writes it where the caller left zeros.
    Token,
}

/// The hash of RSA-OAEP and of its mask generation function.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OaepHash {
    /// All that SoftHSM 2 has.
    Sha1,
    /// What everybody else has as well.
    Sha256,
}

/// What must be saved before a PIN is used or changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SnapshotHook {
    /// Nothing: the module's storage survives a crash.
    None,
    /// SoftHSM 2's `token.object`, which each login and each change of a PIN rewrites in place.
    SofthsmTokenObject,
}

/// How a new key comes to the other HSMs of a cluster.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Replication {
    /// Wrapped under a masking key that all HSMs of the cluster share (`CKM_AES_KEY_WRAP`).
    KeyWrap,
    /// The vendor's client does it.
    Vendor,
}
