//! Grants: leave for one principal to use one key (KMS Developer Guide, "Grants in AWS KMS").

use std::fmt;

use keystead_model::Timestamp;
use keystead_model::arn::{AccountId, KeyArn, KeyId, Region};
use keystead_model::kms::{EncryptionContext, GrantOperation};
use keystead_policy::GrantTerms;

use crate::error::KmsError;

/// Names a grant: 32 bytes, shown as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct GrantId([u8; 32]);

impl GrantId {
    /// From 32 random bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads 64 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        let is_hex = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if digits.len() != 64 || !digits.iter().all(is_hex) {
            return None;
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Self(bytes))
    }
}

impl fmt::Display for GrantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A grant. It never changes; it is made, and it is retired or revoked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Grant {
    /// The account that owns the key.
    pub key_account: AccountId,
    /// The key's Region.
    pub region: Region,
    /// The key.
    pub key_id: KeyId,
    /// Its ID.
    pub id: GrantId,
    /// 1..=256 characters. With a name, asking for the same grant again gives this one.
    pub name: Option<String>,
    /// Who may use the key.
    pub grantee_principal: String,
    /// The unique ID of the user or role that had the grantee's name when the grant was made; `None`: whoever has the name is meant, for it is
    /// of no user or role of this installation, or the grant is older than this record.
    pub grantee_id: Option<String>,
    /// Who may retire the grant.
    pub retiring_principal: Option<String>,
    /// As the grantee's.
    pub retiring_principal_id: Option<String>,
    /// The account that made it: `arn:aws:iam::ACCOUNT:root`.
    pub issuing_account: String,
    /// What the grantee may do, sorted and without doubles.
    pub operations: Vec<GrantOperation>,
    /// Which encryption contexts the grantee may use.
    pub constraints: GrantConstraints,
    /// When it was made.
    pub created: Timestamp,
}

impl Grant {
    /// The key's ARN.
    pub fn key_arn(&self) -> KeyArn {
        KeyArn::new(self.region.clone(), self.key_account, self.key_id)
    }

    /// What it allows, ready to be evaluated.
    ///
    /// That a stored grant's grantee cannot be read is an error: such a one is never stored.
    pub fn terms(&self) -> Result<GrantTerms, KmsError> {
        let GrantConstraints { encryption_context_equals, encryption_context_subset } = self.constraints.clone();
        let actions = self.operations.iter().map(|operation| action_of(*operation)).collect();
        let id = self.id.to_string();
        GrantTerms::new(id, &self.grantee_principal, actions, encryption_context_equals, encryption_context_subset)
            .map(|terms| terms.bound_to(self.grantee_id.as_deref()))
            .map_err(|error| KmsError::internal(&format!("the grantee of grant {} cannot be read: {error}", self.id)))
    }
}

/// The action that an operation of a grant allows: they are named alike, and ReEncrypt is two of both.
pub fn action_of(operation: GrantOperation) -> String {
    format!("kms:{operation}")
}

/// What a grant demands of encryption contexts. Both `None`: nothing.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct GrantConstraints {
    /// The context must be exactly this.
    pub encryption_context_equals: Option<EncryptionContext>,
    /// The context must have these pairs.
    pub encryption_context_subset: Option<EncryptionContext>,
}
