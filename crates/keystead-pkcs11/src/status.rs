//! What a worker tells of its token.

use serde::{Deserialize, Serialize};

/// Who is logged in as the user. One at a time: the worker is the only way in, so it knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum LoginHolder {
    /// KMS, for as long as its key store is connected.
    Kms,
    /// A person who inspects the key material.
    Auditor,
}

/// The state of a token.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TokenStatus {
    /// `CKF_TOKEN_INITIALIZED`
    pub initialized: bool,
    /// The token's label, without padding.
    pub label: String,
    /// The token's serial number, without padding.
    pub serial: String,
    /// `CKF_USER_PIN_INITIALIZED`: the user exists.
    pub user_exists: bool,
    /// Whether the user is locked, by the worker's strike counter or by the token's own.
    pub user_locked: bool,
    /// Wrong PINs of the user in a row, as the worker counted.
    pub user_strikes: u32,
    /// Who is logged in as the user.
    pub login: Option<LoginHolder>,
}
