//! What is told of HSM users and of their keys. Everything here can be written to a socket and read from it.

use std::fmt;

use keystead_pkcs11::{KeyAttributes, LoginHolder};
use serde::{Deserialize, Serialize};

/// The role of a user (AWS CloudHSM User Guide, "HSM users").
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum HsmUserRole {
    /// The administrator before activation, who can only change its own password.
    Preco,
    /// Crypto officer, administrator: makes, unlocks and deletes users.
    Co,
    /// Crypto user: owns keys.
    Cu,
}

impl fmt::Display for HsmUserRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Preco => "PRECO",
            Self::Co => "CO",
            Self::Cu => "CU",
        })
    }
}

/// A user of one HSM.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HsmUser {
    /// `admin` or `kmsuser`.
    pub user: String,
    /// What it may do.
    pub role: HsmUserRole,
    /// Whether the HSM has it: `kmsuser` has to be made first.
    pub exists: bool,
    /// Whether too many wrong passwords have locked it.
    pub locked: bool,
    /// Wrong passwords in a row.
    pub strikes: u32,
    /// Who is logged in as this user.
    pub logged_in: Option<LoginHolder>,
}

/// The users of one HSM, or why it could not be asked.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HsmUserList {
    /// The HSM.
    pub hsm_id: String,
    /// Where it is.
    pub availability_zone: String,
    /// Its users; empty if it could not be asked.
    pub users: Vec<HsmUser>,
    /// Why it could not be asked.
    pub problem: Option<String>,
}

/// What came of a change on one HSM.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HsmOutcome {
    /// The HSM.
    pub hsm_id: String,
    /// Why it was not done there; `None` if it was.
    pub problem: Option<String>,
}

/// The keys of one HSM, or why it could not be asked.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HsmKeyList {
    /// The HSM.
    pub hsm_id: String,
    /// Its secret keys.
    pub keys: Vec<HsmKey>,
    /// Why it could not be asked.
    pub problem: Option<String>,
}

/// A secret key of an HSM.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HsmKey {
    /// `CKA_LABEL`: of a KMS key the key's ARN.
    pub label: String,
    /// `CKA_ID` in lower-case hexadecimal digits: of a KMS key its backing key ID.
    pub id: String,
    /// The object handle, good until the next logout.
    pub handle: u64,
    /// `CKA_CHECK_VALUE` in lower-case hexadecimal digits: equal on every HSM that has the same key.
    pub check_value: String,
    /// What may be done with it.
    pub attributes: KeyAttributes,
}

/// Why nothing was done on any HSM. Worded for people.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error, Serialize, Deserialize)]
pub enum HsmUsersError {
    /// There is no such cluster, or no such HSM in it.
    #[error("{0}")]
    NotFound(String),
    /// An argument is wrong: a name, a password that breaks the rules, a key ID.
    #[error("{0}")]
    Invalid(String),
    /// It cannot be done as things are.
    #[error("{0}")]
    Refused(String),
    /// It failed on every HSM that was asked.
    #[error("{}", failed_everywhere(.0))]
    Failed(Vec<HsmOutcome>),
    /// Keystead's own fault; the log has the cause.
    #[error("{0}")]
    Internal(String),
}

fn failed_everywhere(outcomes: &[HsmOutcome]) -> String {
    let each =
        outcomes.iter().map(|outcome| format!("{}: {}", outcome.hsm_id, outcome.problem.as_deref().unwrap_or("done")));
    each.collect::<Vec<_>>().join("; ")
}
