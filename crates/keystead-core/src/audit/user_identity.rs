//! The element `userIdentity` of a record (AWS CloudTrail User Guide, "CloudTrail userIdentity element").

use keystead_model::arn::AccountId;
use serde::Serialize;
use serde_json::{Map, Value};

use super::iso8601;
use crate::access::{Principal, PrincipalKind, Session};

/// Who called.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UserIdentity {
    /// `Root`, `IAMUser`, `AssumedRole`, `WebIdentityUser`; `AWSAccount` in the record of another account; or `Unknown` for a request whose signature did not
    /// verify.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub identity_type: Option<&'static str>,
    /// The user's unique ID, the account's for its root user, or `ROLE-ID:SESSION`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal_id: Option<String>,
    /// The principal's ARN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arn: Option<String>,
    /// The account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    /// The access key ID that signed, or claimed to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_key_id: Option<String>,
    /// The user's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
    /// The provider of a web identity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity_provider: Option<String>,
    /// The session, of temporary credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_context: Option<SessionContext>,
    /// `AWS Internal` for what KMS did by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invoked_by: Option<&'static str>,
}

/// The session behind temporary credentials.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionContext {
    /// The role, of a role's session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_issuer: Option<SessionIssuer>,
    /// The provider that vouched for who began it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub web_id_federation_data: Option<WebIdFederationData>,
    /// When it began, and how.
    pub attributes: SessionAttributes,
    /// Who is behind it, as said when it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_identity: Option<String>,
}

/// The role that a session is of.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionIssuer {
    /// `Role`
    #[serde(rename = "type")]
    pub issuer_type: &'static str,
    /// The role's unique ID.
    pub principal_id: String,
    /// The role's ARN.
    pub arn: String,
    /// The account.
    pub account_id: String,
    /// The role's name.
    pub user_name: String,
}

/// The identity provider of a session.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WebIdFederationData {
    /// Its ARN.
    pub federated_provider: String,
    /// Nothing is recorded of what it vouched for.
    pub attributes: Map<String, Value>,
}

/// When and how a session began.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionAttributes {
    /// `2022-11-24T18:57:43Z`
    pub creation_date: String,
    /// `true` or `false`.
    pub mfa_authenticated: &'static str,
}

impl UserIdentity {
    /// A verified caller.
    pub fn of(principal: &Principal, access_key_id: &str) -> Self {
        let (identity_type, user_name) = match &principal.kind {
            PrincipalKind::Root => ("Root", None),
            PrincipalKind::User { user_name, .. } => ("IAMUser", Some(user_name.clone())),
            PrincipalKind::AssumedRole { .. } => ("AssumedRole", None),
            PrincipalKind::WebIdentity { provider, audience, subject } => {
                return Self::web_identity(provider, audience, subject);
            }
        };
        Self {
            identity_type: Some(identity_type),
            principal_id: Some(principal.unique_id()),
            arn: Some(principal.arn.clone()),
            account_id: Some(principal.account.to_string()),
            access_key_id: Some(access_key_id.to_owned()),
            user_name,
            identity_provider: None,
            session_context: principal.session.as_deref().map(|session| SessionContext::of(principal, session)),
            invoked_by: None,
        }
    }

    /// Whom a provider vouches for.
    pub fn web_identity(provider: &str, audience: &str, subject: &str) -> Self {
        Self {
            identity_type: Some("WebIdentityUser"),
            principal_id: Some(format!("{provider}:{audience}:{subject}")),
            user_name: Some(subject.to_owned()),
            identity_provider: Some(provider.to_owned()),
            ..Self::default()
        }
    }

    /// A caller whose signature did not verify; the access key ID is what the request claims, if it claims one.
    pub fn unknown(access_key_id: Option<&str>) -> Self {
        Self { identity_type: Some("Unknown"), access_key_id: access_key_id.map(str::to_owned), ..Self::default() }
    }

    /// The same caller as another account gets to see it.
    pub(super) fn for_another_account(&self) -> Self {
        Self {
            identity_type: Some("AWSAccount"),
            principal_id: self.principal_id.clone(),
            account_id: self.account_id.clone(),
            ..Self::default()
        }
    }
}

impl SessionContext {
    fn of(principal: &Principal, session: &Session) -> Self {
        let web_id =
            |provider: &String| WebIdFederationData { federated_provider: provider.clone(), attributes: Map::new() };
        Self {
            session_issuer: SessionIssuer::of(&principal.account, &principal.kind),
            web_id_federation_data: session.federated_provider.as_ref().map(web_id),
            attributes: SessionAttributes {
                creation_date: iso8601(session.issued),
                // There is no multi-factor authentication here.
                mfa_authenticated: "false",
            },
            source_identity: session.source_identity.clone(),
        }
    }
}

impl SessionIssuer {
    fn of(account: &AccountId, kind: &PrincipalKind) -> Option<Self> {
        match kind {
            PrincipalKind::AssumedRole { role_name, role_id, role_arn, .. } => Some(Self {
                issuer_type: "Role",
                principal_id: role_id.clone(),
                arn: role_arn.clone(),
                account_id: account.to_string(),
                user_name: role_name.clone(),
            }),
            PrincipalKind::Root | PrincipalKind::User { .. } | PrincipalKind::WebIdentity { .. } => None,
        }
    }
}
