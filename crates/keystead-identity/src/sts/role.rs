//! The role that a request names.

use keystead_core::access::{AssumableRole, NamedPrincipal, PrincipalName};
use keystead_core::port::Store;
use keystead_model::arn::AccountId;
use keystead_query::Parameters;

use super::text::ROLE_ARN;
use crate::error::IdentityError;

/// What a request names as the role.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct RoleArn {
    pub(super) text: String,
    pub(super) account: AccountId,
}

impl RoleArn {
    pub(super) fn take(parameters: &mut Parameters) -> Result<Self, IdentityError> {
        let text = ROLE_ARN.required(parameters, "RoleArn")?;
        let named = NamedPrincipal::parse(&text);
        match named.as_ref().map(|named| (named.account(), named.name())) {
            Some((account, PrincipalName::Role(_))) => Ok(Self { account: *account, text }),
            _ => Err(IdentityError::validation(format!("{text} is invalid: it is no ARN of a role"))),
        }
    }

    /// The role of exactly this ARN, if there is one.
    pub(super) async fn find(&self, store: &dyn Store) -> Result<Option<AssumableRole>, IdentityError> {
        Ok(AssumableRole::find(store, &self.text).await?)
    }
}
