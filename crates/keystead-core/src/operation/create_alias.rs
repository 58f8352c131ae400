//! CreateAlias, and the rules of alias names.

use keystead_model::arn::{AccountId, AliasArn, AliasName, InvalidAliasName, KeyIdentifier};
use keystead_model::kms::{CreateAliasRequest, Exception};

use super::key_lookup::{AcceptedForms, authorized_key, state_of};
use crate::access::{Authorized, Resource, Subject, no_resource_policy_allows};
use crate::audit::AuditResource;
use crate::error::KmsError;
use crate::key::{Alias, refuse_in_state};
use crate::kms::{Call, Kms};
use crate::port::{StoreError, UniqueConstraint};
use crate::quota::exceeded_message;

/// Gives a key a name.
pub(super) async fn create_alias(kms: &Kms, call: &mut Call<'_>, request: CreateAliasRequest) -> Result<(), KmsError> {
    let named = authorized_alias(call, &request.alias_name)?;
    refuse_alias_as_target(&request.target_key_id)?;
    let key = authorized_key(kms, call, &request.target_key_id, AcceptedForms::IdOrArn).await?;
    let (state, _) = state_of(kms, call, &key.key).await?;
    refuse_in_state(call.operation.name, state, &key.key)?;
    let alias = Alias {
        account: key.key.account,
        region: key.key.region.clone(),
        name: named.name.clone(),
        target_key_id: key.key.id,
        created: call.now,
        last_updated: call.now,
        revision: 1,
    };
    let quota = kms.settings.resource_quotas.aliases_per_key;
    kms.catalog.insert_alias((&named, &key), &alias, quota).await.map_err(|error| match error {
        StoreError::Duplicate(UniqueConstraint::AliasName) => KmsError::new(
            Exception::AlreadyExists,
            format!("An alias with the name {} already exists", alias_arn(&alias)),
        ),
        error => alias_failure(error, &key.arn, quota),
    })
}

/// What CreateAlias and UpdateAlias answer when the store refuses.
pub(super) fn alias_failure(error: StoreError, key_arn: &str, quota: u64) -> KmsError {
    match error {
        StoreError::QuotaExceeded { current } => {
            KmsError::new(Exception::LimitExceeded, exceeded_message("Aliases per key", quota, current))
        }
        StoreError::NotFound => KmsError::not_found(format!("Key '{key_arn}' does not exist")),
        error => error.into(),
    }
}

pub(super) fn alias_arn(alias: &Alias) -> AliasArn {
    AliasArn::new(alias.region.clone(), alias.account, alias.name.clone())
}

/// An alias that the caller may do the operation with; it need not exist.
#[derive(Debug)]
pub(super) struct AliasResource {
    pub(super) account: AccountId,
    pub(super) name: AliasName,
    pub(super) arn: String,
}

impl Resource for AliasResource {
    fn owner(&self) -> &AccountId {
        &self.account
    }

    fn resource_name(&self) -> String {
        self.arn.clone()
    }
}

/// The alias that AliasName names in the caller's account, noted for the audit record. Names of AWS managed keys are refused.
pub(super) fn authorized_alias(call: &mut Call<'_>, text: &str) -> Result<Authorized<AliasResource>, KmsError> {
    let name = AliasName::check(text).map_err(|error| match error {
        InvalidAliasName::MissingPrefix => KmsError::validation(
            "Alias must start with the prefix \"alias/\". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html",
        ),
        InvalidAliasName::InvalidCharacters | InvalidAliasName::Empty | InvalidAliasName::TooLong => {
            KmsError::validation(format!("{text} contains invalid characters for an alias"))
        }
    })?;
    let account = call.caller.principal.account;
    let arn = AliasArn::new(call.region().clone(), account, name.clone()).to_string();
    if name.is_reserved() {
        // Which error AWS gives is unverified.
        return Err(no_resource_policy_allows(&call.caller.principal, &call.action(), &arn));
    }
    call.note_resource(AuditResource::alias(&account, arn.clone()));
    call.authorize(&call.action(), Subject::Alias, AliasResource { account, name, arn })
}

/// An alias cannot stand for an alias.
pub(super) fn refuse_alias_as_target(text: &str) -> Result<(), KmsError> {
    match KeyIdentifier::parse(text) {
        Ok(KeyIdentifier::AliasName(_) | KeyIdentifier::AliasArn(_)) => {
            Err(KmsError::validation("Aliases must refer to keys. Not aliases"))
        }
        Ok(KeyIdentifier::Id(_) | KeyIdentifier::Arn(_)) | Err(_) => Ok(()),
    }
}
