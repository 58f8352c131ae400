//! Session tokens: temporary credentials that rest nowhere.
//!
//! A token says whose session it is and what limits it, with an authentication code under the root key: nobody else can make one or change
//! one. The secret access key that goes with it is derived from the same content under the root key, for another purpose, so that every
//! server knows it from the token alone. What is in a token is no secret; with the secret access key it is a credential.
//!
//! Layout, in Base64: authentication code (32 bytes), version (1 byte, `1`), content (postcard).

use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keystead_model::arn::AccountId;
use keystead_model::{SecretString, Timestamp};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::temporary_access_key_id::temporary_access_key_id;
use super::{Principal, PrincipalKind};
use crate::port::Entropy;
use crate::sealing::{AUTHENTICATION_CODE_LENGTH, RootKey};

/// What authentication codes of session tokens are for.
const TOKEN_PURPOSE: &str = "keystead/session-token";
/// What the codes are for that secret access keys are made of.
const SECRET_PURPOSE: &str = "keystead/session-secret-access-key";
const VERSION: u8 = 1;
/// A secret access key has 40 characters of Base64: 30 bytes.
const SECRET_LENGTH: usize = 30;

/// The most bytes of what the caller of STS gives a session with it: session policies, ARNs of managed policies, session tags. AWS does not
/// say what its own limit is. This one keeps a token, whatever else is in it, at [`TOKEN_CHARACTERS_MAX`].
pub const PACKED_POLICY_BYTES_MAX: usize = 4608;

/// The longest token that is given or read, in characters. It goes in a header of each request.
pub const TOKEN_CHARACTERS_MAX: usize = 8 * 1024 + 128;

/// Whose session it is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum SessionPrincipal {
    /// The account's root user's.
    Root,
    /// A user's.
    User {
        /// The user's name.
        user_name: String,
        /// The user's unique ID.
        user_id: String,
        /// The user's ARN.
        arn: String,
    },
    /// A role's.
    Role {
        /// The role's name.
        role_name: String,
        /// The role's unique ID.
        role_id: String,
        /// The role's ARN.
        role_arn: String,
        /// The session's name.
        session_name: String,
    },
}

/// What a session token says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SessionContent {
    /// `ASIA` and 16 characters of `[A-Z2-7]`.
    pub access_key_id: String,
    /// The account it acts in.
    pub account: AccountId,
    /// Whose session it is.
    pub principal: SessionPrincipal,
    /// When it began.
    pub issued: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
    /// The session policy, as given.
    pub policy: Option<String>,
    /// ARNs of managed policies that are session policies as well. What they say is read anew whenever it changes.
    pub policy_arns: Vec<String>,
    /// Session tags.
    pub tags: BTreeMap<String, String>,
    /// Which of them stay when the session assumes another role.
    pub transitive_tag_keys: BTreeSet<String>,
    /// Who is behind it.
    pub source_identity: Option<String>,
    /// The ARN of the provider that vouched for who began it.
    pub federated_provider: Option<String>,
}

/// What STS gives a caller.
#[derive(Debug)]
pub struct TemporaryCredentials {
    /// Their access key ID.
    pub access_key_id: String,
    /// Their secret access key.
    pub secret_access_key: SecretString,
    /// Their session token.
    pub session_token: SecretString,
    /// When they end.
    pub expires: Timestamp,
}

/// A token that this installation made.
#[derive(Debug)]
pub(crate) struct OpenedToken {
    pub(crate) content: SessionContent,
    pub(crate) secret_access_key: SecretString,
}

impl SessionContent {
    /// A session with a new access key ID, without policies, tags and so on.
    pub fn new(
        account: AccountId,
        principal: SessionPrincipal,
        issued: Timestamp,
        expires: Timestamp,
        entropy: &dyn Entropy,
    ) -> Self {
        Self {
            access_key_id: temporary_access_key_id(&account, entropy),
            account,
            principal,
            issued,
            expires,
            policy: None,
            policy_arns: Vec::new(),
            tags: BTreeMap::new(),
            transitive_tag_keys: BTreeSet::new(),
            source_identity: None,
            federated_provider: None,
        }
    }

    /// What percentage of [`PACKED_POLICY_BYTES_MAX`] its policies and tags take, rounded up; `None` if it has none.
    pub fn packed_policy_size(&self) -> Option<usize> {
        let policy = self.policy.iter().chain(&self.policy_arns).chain(&self.transitive_tag_keys);
        let tags = self.tags.iter().flat_map(|(key, value)| [key, value]);
        // Two bytes before each text say how long it is, at most.
        let bytes: usize = policy.chain(tags).map(|text| text.len() + 2).sum();
        (bytes > 0).then(|| (bytes * 100).div_ceil(PACKED_POLICY_BYTES_MAX))
    }

    /// The principal of its requests, but for the session itself.
    pub(crate) fn principal(&self) -> Principal {
        match &self.principal {
            SessionPrincipal::Root => Principal::root(self.account),
            SessionPrincipal::User { user_name, user_id, arn } => {
                let kind = PrincipalKind::User { user_name: user_name.clone(), user_id: user_id.clone() };
                Principal::new(self.account, kind, arn.clone(), None)
            }
            SessionPrincipal::Role { role_name, role_id, role_arn, session_name } => {
                let arn = format!("arn:aws:sts::{}:assumed-role/{role_name}/{session_name}", self.account);
                let kind = PrincipalKind::AssumedRole {
                    role_name: role_name.clone(),
                    role_id: role_id.clone(),
                    role_arn: role_arn.clone(),
                    session_name: session_name.clone(),
                };
                Principal::new(self.account, kind, arn, None)
            }
        }
    }
}

/// The credentials of a session. Made twice of the same content they are the same. Fails on content that is longer than any can be.
pub(crate) fn issue(root_key: &RootKey, content: &SessionContent) -> Result<TemporaryCredentials, TokenTooLong> {
    // Writing to memory cannot fail otherwise than by what the type is, and these types are all known to the format.
    let bytes = postcard::to_extend(content, vec![VERSION]).map_err(|_| TokenTooLong)?;
    let code = root_key.authentication_code(&[TOKEN_PURPOSE, &STANDARD.encode(&bytes)]);
    let session_token = STANDARD.encode([code.as_slice(), &bytes].concat());
    if session_token.len() > TOKEN_CHARACTERS_MAX {
        return Err(TokenTooLong);
    }
    Ok(TemporaryCredentials {
        access_key_id: content.access_key_id.clone(),
        secret_access_key: secret_access_key(root_key, &bytes),
        session_token: session_token.into(),
        expires: content.expires,
    })
}

/// A session would have a longer token than [`TOKEN_CHARACTERS_MAX`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a session token would be longer than {TOKEN_CHARACTERS_MAX} characters")]
pub struct TokenTooLong;

/// What a token says; `None` if this installation did not make it, or not like this.
pub(crate) fn open(root_key: &RootKey, token: &str) -> Option<OpenedToken> {
    if token.len() > TOKEN_CHARACTERS_MAX {
        return None;
    }
    let token = STANDARD.decode(token).ok()?;
    let (code, bytes) = token.split_first_chunk::<AUTHENTICATION_CODE_LENGTH>()?;
    let expected = root_key.authentication_code(&[TOKEN_PURPOSE, &STANDARD.encode(bytes)]);
    verify_slices_are_equal(code, &expected).ok()?;
    let (&VERSION, content) = bytes.split_first()? else { return None };
    let content = postcard::from_bytes(content).ok()?;
    Some(OpenedToken { content, secret_access_key: secret_access_key(root_key, bytes) })
}

fn secret_access_key(root_key: &RootKey, bytes: &[u8]) -> SecretString {
    let code = Zeroizing::new(root_key.authentication_code(&[SECRET_PURPOSE, &STANDARD.encode(bytes)]));
    STANDARD.encode(&code[..SECRET_LENGTH]).into()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
