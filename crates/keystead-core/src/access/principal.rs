//! The caller of an operation, once its signature is verified.

use std::sync::Arc;

use keystead_model::arn::AccountId;
use keystead_model::{SecretString, Timestamp};

use super::{AccessKeyStatus, Session, User};

/// A verified caller.
#[derive(Clone, PartialEq, Debug)]
pub struct Principal {
    /// The account it acts in.
    pub account: AccountId,
    /// What it is.
    pub kind: PrincipalKind,
    /// `arn:aws:iam::ACCOUNT:root`, `arn:aws:iam::ACCOUNT:user/NAME` or `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`.
    pub arn: String,
    /// The names under which policies speak of it.
    pub policy_identity: keystead_policy::Identity,
    /// The session, if it calls with temporary credentials.
    pub session: Option<Arc<Session>>,
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
    /// A session of an IAM role.
    AssumedRole {
        /// The role's name.
        role_name: String,
        /// The role's unique ID.
        role_id: String,
        /// The role's ARN.
        role_arn: String,
        /// The session's name.
        session_name: String,
    },
    /// Whom an OpenID Connect provider of the account vouches for, before there is a session of a role. It can call nothing but
    /// AssumeRoleWithWebIdentity.
    WebIdentity {
        /// The provider's ARN.
        provider: String,
        /// Whom the token is meant for.
        audience: String,
        /// `sub` of the token.
        subject: String,
    },
}

impl Principal {
    /// The root user of an account.
    pub fn root(account: AccountId) -> Self {
        Self::new(account, PrincipalKind::Root, format!("arn:aws:iam::{account}:root"), None)
    }

    /// An IAM user.
    pub fn user(user: &User) -> Self {
        let kind = PrincipalKind::User { user_name: user.user_name.clone(), user_id: user.user_id.clone() };
        Self::new(user.account, kind, user.arn(), None)
    }

    /// Whom an OpenID Connect provider of the account vouches for. Policies know it by the provider alone.
    pub fn web_identity(account: AccountId, provider: String, audience: String, subject: String) -> Self {
        let arn = provider.clone();
        Self::new(account, PrincipalKind::WebIdentity { provider, audience, subject }, arn, None)
    }

    /// A principal of this kind and ARN.
    pub fn new(account: AccountId, kind: PrincipalKind, arn: String, session: Option<Arc<Session>>) -> Self {
        let role_arn = match &kind {
            PrincipalKind::AssumedRole { role_arn, .. } => Some(role_arn.clone()),
            PrincipalKind::Root | PrincipalKind::User { .. } | PrincipalKind::WebIdentity { .. } => None,
        };
        let federated_provider = match &kind {
            PrincipalKind::WebIdentity { provider, .. } => Some(provider.clone()),
            PrincipalKind::Root | PrincipalKind::User { .. } | PrincipalKind::AssumedRole { .. } => None,
        };
        let unique_id = match &kind {
            PrincipalKind::User { user_id: id, .. } | PrincipalKind::AssumedRole { role_id: id, .. } => {
                Some(id.clone())
            }
            PrincipalKind::Root | PrincipalKind::WebIdentity { .. } => None,
        };
        let (account_id, own_arn) = (account.to_string(), arn.clone());
        let policy_identity =
            keystead_policy::Identity { account: account_id, arn: own_arn, role_arn, unique_id, federated_provider };
        Self { account, kind, arn, policy_identity, session }
    }

    /// Its unique ID: the account's ID of a root user, `ROLE-ID:SESSION` of a role's session (`aws:userid`).
    pub fn unique_id(&self) -> String {
        match &self.kind {
            PrincipalKind::Root => self.account.to_string(),
            PrincipalKind::User { user_id, .. } => user_id.clone(),
            PrincipalKind::AssumedRole { role_id, session_name, .. } => format!("{role_id}:{session_name}"),
            PrincipalKind::WebIdentity { provider, audience, subject } => format!("{provider}:{audience}:{subject}"),
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
    pub principal: Arc<Principal>,
    /// Whether it may sign.
    pub status: AccessKeyStatus,
    /// When it stops working, if ever.
    pub expires: Option<Timestamp>,
}
