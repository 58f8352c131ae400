//! Temporary credentials: from a session token to whom it stands for.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use keystead_policy::NamedPolicy;

use super::Catalog;
use super::coherent_cache::CoherentCache;
use super::principal_policies::{compiled, managed};
use crate::access::{
    AccessKeyStatus, Credential, Principal, Session, SessionContent, TemporaryCredentials, TokenTooLong,
    issue_session_token, open_session_token,
};
use crate::error::KmsError;

/// How many sessions are held at most; the least used go first.
const CAPACITY: usize = 10_000;

/// By the SHA-256 of their tokens.
pub(super) type SessionCredentialCache = CoherentCache<[u8; 32], Arc<Credential>>;

pub(super) fn session_credential_cache() -> SessionCredentialCache {
    CoherentCache::new(CAPACITY)
}

impl Catalog {
    /// The credential that a session token stands for, also once it has expired; `None` if this installation did not make the token.
    ///
    /// Whether it was revoked is another question: [`crate::access::is_revoked`].
    pub async fn session_credential(&self, token: &str) -> Result<Option<Arc<Credential>>, KmsError> {
        let mut key = [0; 32];
        key.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        self.session_credentials.get_or_load(key, self.open_session(token)).await
    }

    async fn open_session(&self, token: &str) -> Result<Option<Arc<Credential>>, KmsError> {
        let Some(opened) = open_session_token(&self.root_key, token) else { return Ok(None) };
        let content = opened.content;
        let session = Session {
            issued: content.issued,
            expires: content.expires,
            policies: self.session_policies(&content).await?,
            tags: content.tags.clone(),
            transitive_tag_keys: content.transitive_tag_keys.clone(),
            source_identity: content.source_identity.clone(),
            federated_provider: content.federated_provider.clone(),
        };
        let principal = Principal { session: Some(Arc::new(session)), ..content.principal() };
        Ok(Some(Arc::new(Credential {
            access_key_id: content.access_key_id,
            secret_access_key: opened.secret_access_key,
            principal: Arc::new(principal),
            status: AccessKeyStatus::Active,
            expires: Some(content.expires),
        })))
    }

    /// Session policies; `None` if none were given. A managed policy that is gone might have denied something: without it none of the others
    /// allows anything (unverified).
    async fn session_policies(&self, content: &SessionContent) -> Result<Option<Vec<NamedPolicy>>, KmsError> {
        if content.policy.is_none() && content.policy_arns.is_empty() {
            return Ok(None);
        }
        let name = format!("session {}, session policy", content.access_key_id);
        let mut policies = Vec::with_capacity(1 + content.policy_arns.len());
        if let Some(document) = &content.policy {
            policies.push(compiled(name.clone(), document)?);
        }
        for arn in &content.policy_arns {
            match managed(&*self.store, arn).await? {
                Some(policy) => policies.push(policy),
                None => return Ok(Some(Vec::new())),
            }
        }
        Ok(Some(policies))
    }

    /// The credentials of a new session.
    pub fn issue_session(&self, content: &SessionContent) -> Result<TemporaryCredentials, TokenTooLong> {
        issue_session_token(&self.root_key, content)
    }
}
