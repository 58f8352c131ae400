//! What can go wrong at the HSMs of an AWS CloudHSM key store, and what each failure is to callers: one table.
//!
//! Source: CloudHSM key stores digest 1.9 (ConnectionErrorCode), 1.10 (texts), 4 (cryptographic operations). Texts that are not in 1.10 are
//! unverified.

use keystead_model::kms::{ConnectionErrorCodeType as Code, Exception};

/// A failure of a cluster of HSMs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum HsmFailure {
    /// There is no cluster of that ID any more.
    ClusterNotFound,
    /// The cluster has no active HSM, or every active one was lost during the call.
    NoActiveHsm,
    /// Fewer active HSMs, or in fewer Availability Zones, than a new key needs.
    NotEnoughHsms,
    /// No HSM answers, or the cluster's certificate is not the trust anchor's.
    Unreachable,
    /// An HSM has no crypto user `kmsuser`.
    UserNotFound,
    /// Somebody is logged in as `kmsuser`.
    UserLoggedIn,
    /// Too many wrong passwords have locked `kmsuser`.
    UserLockedOut,
    /// The password of `kmsuser` is another one.
    InvalidCredentials,
    /// No HSM has the key material.
    KeyNotFound,
    /// An HSM has several objects with the ID of the key material, so that none of them can be trusted.
    KeyAmbiguous,
    /// The HSMs have the key material, and not all the same.
    KeyMismatch,
    /// Ciphertext or additional authenticated data are not what the encryption gave.
    InvalidCiphertext,
    /// Every PKCS #11 session is in use.
    NoSession,
    /// The HSM did not answer in time.
    TimedOut,
    /// The PKCS #11 module answered what makes no sense.
    Malfunction,
}

/// What a failure is to callers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HsmFailureRow {
    /// The failure.
    pub failure: HsmFailure,
    /// The stable machine-readable cause.
    pub cause: &'static str,
    /// What a cryptographic operation answers.
    pub cryptographic_exception: Exception,
    /// What CreateKey answers.
    pub create_key_exception: Exception,
    /// Its message; empty for an exception that carries none.
    pub message: &'static str,
    /// Where a connect ends.
    pub connection_error_code: Code,
    /// What to do about it.
    pub remedy: &'static str,
}

const NO_CONTACT: &str = "KMS cannot communicate with your CloudHSM cluster";
const NO_MATERIAL: &str = "The CloudHSM cluster does not have the key material of this KMS key.";
const WRONG_MATERIAL: &str = "The CloudHSM cluster has key material of this KMS key that KMS cannot trust.";
const LOGIN_LOST: &str = "KMS cannot log in to your CloudHSM cluster as the kmsuser crypto user.";
const TOO_FEW: &str = "The CloudHSM cluster must have at least two active HSMs in different Availability Zones.";
const NO_SESSION: &str = "The CloudHSM cluster has no PKCS #11 session to give. Try the request again.";
const SLOW: &str = "The CloudHSM cluster did not answer in time. Try the request again.";

const STATE: Exception = Exception::KmsInvalidState;
const CONFIGURATION: Exception = Exception::CloudHsmClusterInvalidConfiguration;
const INTERNAL: Exception = Exception::KmsInternal;
const SLOW_DEPENDENCY: Exception = Exception::DependencyTimeout;

macro_rules! rows {
    ($($failure:ident, $cause:literal, $cryptographic:expr, $create_key:expr, $message:expr, $code:ident, $remedy:literal;)+) => {
        /// The table, in the order of the variants.
        pub static HSM_FAILURES: &[HsmFailureRow] = &[$(HsmFailureRow {
            failure: HsmFailure::$failure,
            cause: $cause,
            cryptographic_exception: $cryptographic,
            create_key_exception: $create_key,
            message: $message,
            connection_error_code: Code::$code,
            remedy: $remedy,
        }),+];
    };
}

rows! {
    ClusterNotFound, "HSM_CLUSTER_NOT_FOUND", STATE, CONFIGURATION, NO_CONTACT, ClusterNotFound,
        "Restore a cluster from a backup of the deleted one, disconnect the key store, set its CloudHsmClusterId, and connect it.";
    NoActiveHsm, "HSM_NONE_ACTIVE", STATE, CONFIGURATION, NO_CONTACT, InsufficientCloudhsmHsms,
        "Bring an HSM of the cluster back, or add one with CreateHsm; two in different Availability Zones are better.";
    NotEnoughHsms, "HSM_NOT_ENOUGH_ACTIVE", STATE, CONFIGURATION, TOO_FEW, InsufficientCloudhsmHsms,
        "Add HSMs with CreateHsm until two are active in different Availability Zones.";
    Unreachable, "HSM_UNREACHABLE", STATE, CONFIGURATION, NO_CONTACT, NetworkErrors,
        "Look into the server's log for the HSM's worker, bring the HSM back, disconnect the key store, and connect it again.";
    UserNotFound, "HSM_KMSUSER_NOT_FOUND", STATE, INTERNAL, LOGIN_LOST, UserNotFound,
        "Create the crypto user kmsuser on every HSM of the cluster, set its password with UpdateCustomKeyStore, and connect again.";
    UserLoggedIn, "HSM_KMSUSER_LOGGED_IN", STATE, INTERNAL, LOGIN_LOST, UserLoggedIn,
        "Log kmsuser out of the cluster; if its password was changed, set it with UpdateCustomKeyStore; connect again.";
    UserLockedOut, "HSM_KMSUSER_LOCKED_OUT", STATE, INTERNAL, LOGIN_LOST, UserLockedOut,
        "As crypto officer change the password of kmsuser, which unlocks it, set it with UpdateCustomKeyStore, and connect again.";
    InvalidCredentials, "HSM_KMSUSER_PASSWORD_WRONG", STATE, INTERNAL, LOGIN_LOST, InvalidCredentials,
        "As crypto officer change the password of kmsuser, set the same with UpdateCustomKeyStore, and connect again.";
    KeyNotFound, "HSM_KEY_NOT_FOUND", STATE, INTERNAL, NO_MATERIAL, InternalError,
        "If the key material was deleted, restore a cluster from a backup that has it, and set the key store's CloudHsmClusterId.";
    KeyAmbiguous, "HSM_KEY_AMBIGUOUS", STATE, INTERNAL, WRONG_MATERIAL, InternalError,
        "Several objects have the ID of the key material. In audit mode, delete the ones that KMS did not make.";
    KeyMismatch, "HSM_KEY_MISMATCH", STATE, INTERNAL, WRONG_MATERIAL, InternalError,
        "The HSMs have different key material under one ID. In audit mode, compare check values, and delete the wrong one.";
    InvalidCiphertext, "HSM_CIPHERTEXT_INVALID", Exception::InvalidCiphertext, INTERNAL, "", InternalError,
        "Pass the ciphertext unchanged, with the encryption context it was made with.";
    NoSession, "HSM_NO_SESSION", INTERNAL, INTERNAL, NO_SESSION, NetworkErrors,
        "Call less often, or add an HSM to the cluster.";
    TimedOut, "HSM_TIMED_OUT", SLOW_DEPENDENCY, SLOW_DEPENDENCY, SLOW, NetworkErrors,
        "Check the load of the HSMs and what the server's log says of their workers.";
    Malfunction, "HSM_MALFUNCTION", STATE, INTERNAL, NO_CONTACT, InternalError,
        "The PKCS #11 module answered what makes no sense. Look into the server's log, and ask its vendor.";
}

impl HsmFailure {
    /// This failure's row.
    pub fn row(self) -> &'static HsmFailureRow {
        &HSM_FAILURES[self.index()]
    }

    /// The row's place in [`HSM_FAILURES`]; a new variant asks for its row here, and a test checks that they agree.
    fn index(self) -> usize {
        match self {
            Self::ClusterNotFound => 0,
            Self::NoActiveHsm => 1,
            Self::NotEnoughHsms => 2,
            Self::Unreachable => 3,
            Self::UserNotFound => 4,
            Self::UserLoggedIn => 5,
            Self::UserLockedOut => 6,
            Self::InvalidCredentials => 7,
            Self::KeyNotFound => 8,
            Self::KeyAmbiguous => 9,
            Self::KeyMismatch => 10,
            Self::InvalidCiphertext => 11,
            Self::NoSession => 12,
            Self::TimedOut => 13,
            Self::Malfunction => 14,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_finds_its_own_row() {
        for (index, row) in HSM_FAILURES.iter().enumerate() {
            assert_eq!(row.failure.index(), index, "{:?}", row.failure);
        }
        assert_eq!(HSM_FAILURES.len(), 15);
    }
}
