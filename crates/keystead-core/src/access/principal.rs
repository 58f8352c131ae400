//! The caller of an operation, once its signature is verified.

use keystead_model::arn::AccountId;
use keystead_model::{SecretString, Timestamp};

use super::{AccessKey, AccessKeyStatus};

/// A verified caller.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Principal {
    /// The account it acts in.
    pub account: AccountId,
    /// What it is.
    pub kind: PrincipalKind,
    /// `arn:aws:iam::ACCOUNT:root` or `arn:aws:iam::ACCOUNT:user/NAME`.
    pub arn: String,
}

/// What a principal is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PrincipalKind {
    /// The root user of its account.
    Root,
    /// An IAM user.
    User {
        /// The user's name.
        user_name: String,
        /// The user's unique ID.
        user_id: String,
    },
}

impl Principal {
    /// The principal that an access key signs for.
    pub fn of_access_key(key: &AccessKey) -> Self {
        let account = key.account;
        match (&key.user_name, &key.user_id) {
            (Some(user_name), Some(user_id)) => Self {
                arn: format!("arn:aws:iam::{account}:user/{user_name}"),
                kind: PrincipalKind::User { user_name: user_name.clone(), user_id: user_id.clone() },
                account,
            },
            _ => Self { arn: format!("arn:aws:iam::{account}:root"), kind: PrincipalKind::Root, account },
        }
    }
}

/// An access key ready to verify signatures with.
#[derive(Debug)]
pub struct Credential {
    /// Its ID.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: SecretString,
    /// Whom it signs for.
    pub principal: Principal,
    /// Whether it may sign.
    pub status: AccessKeyStatus,
    /// When it stops working, if ever.
    pub expires: Option<Timestamp>,
}
