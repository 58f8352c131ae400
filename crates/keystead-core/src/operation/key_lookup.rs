//! From the `KeyId` member of a request to a key that the caller may use.
//!
//! Texts: KMS core digest 2.1, "Lookup errors".

use std::sync::Arc;

use keystead_model::arn::{
    AccountId, AliasArn, AliasName, InvalidKeyIdentifier, KeyArn, KeyId, KeyIdentifier, Partition, Region,
};
use keystead_model::kms::Exception;

use crate::access::{AccountScope, Authorized, authorize, no_resource_policy_allows};
use crate::audit::AuditResource;
use crate::catalog::{LoadedKey, LoadedKeyStore};
use crate::error::KmsError;
use crate::key::{EffectiveState, Key};
use crate::kms::{Call, Kms};

/// Which forms of key identifier an operation takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum AcceptedForms {
    /// Key ID, key ARN, alias name, alias ARN.
    All,
    /// Key ID and key ARN.
    IdOrArn,
}

/// The key that `text` names, if the caller may do the call's operation with it.
pub(super) async fn authorized_key(
    kms: &Kms,
    call: &mut Call<'_>,
    text: &str,
    forms: AcceptedForms,
) -> Result<Authorized<Arc<LoadedKey>>, KmsError> {
    let action = call.action();
    authorized_key_for(kms, call, &action, text, forms).await
}

/// The same for an action that is not named like the operation.
pub(super) async fn authorized_key_for(
    kms: &Kms,
    call: &mut Call<'_>,
    action: &str,
    text: &str,
    forms: AcceptedForms,
) -> Result<Authorized<Arc<LoadedKey>>, KmsError> {
    let identifier = parse(text, forms)?;
    let account = call.caller.principal.account;
    let (region, owner) = home_of(&identifier, call.region(), account);
    if region != *call.region() {
        return Err(KmsError::not_found(format!("Invalid arn {region}")));
    }
    if owner != account {
        // A key of another account looks the same whether it exists or not.
        return Err(no_resource_policy_allows(&call.caller.principal, action, text));
    }
    let key_id = match identifier {
        KeyIdentifier::Id(id) => id,
        KeyIdentifier::Arn(arn) => arn.key_id(),
        KeyIdentifier::AliasName(name) => target_of(kms, call.region(), &owner, &name).await?,
        KeyIdentifier::AliasArn(arn) => target_of(kms, call.region(), &owner, arn.alias_name()).await?,
    };
    let key = existing_key(kms, call.region(), &owner, &key_id).await?;
    call.note_resource(AuditResource::key(&key.key.account, &key.arn));
    authorize(&call.access_request(), action, key)
}

/// What a `KeyId` member holds, in one of the forms that the operation takes.
pub(super) fn parse(text: &str, forms: AcceptedForms) -> Result<KeyIdentifier, KmsError> {
    let identifier = KeyIdentifier::parse(text).map_err(|error| match error {
        InvalidKeyIdentifier::Invalid => KmsError::not_found(format!("Invalid keyId '{text}'")),
        // The text is unverified.
        InvalidKeyIdentifier::NotKeyOrAlias => KmsError::new(Exception::InvalidArn, format!("Invalid arn {text}")),
    })?;
    let partition = match &identifier {
        KeyIdentifier::Arn(arn) => arn.partition(),
        KeyIdentifier::AliasArn(arn) => arn.partition(),
        KeyIdentifier::Id(_) | KeyIdentifier::AliasName(_) => Partition::Aws,
    };
    if partition != Partition::Aws {
        // The text is unverified.
        return Err(KmsError::new(Exception::InvalidArn, format!("Invalid arn {text}")));
    }
    let alias = matches!(identifier, KeyIdentifier::AliasName(_) | KeyIdentifier::AliasArn(_));
    if alias && forms == AcceptedForms::IdOrArn {
        return Err(KmsError::new(Exception::InvalidArn, "Key Aliases are not supported for this operation."));
    }
    Ok(identifier)
}

/// The Region and account that an identifier names; the caller's where it names none.
fn home_of(identifier: &KeyIdentifier, region: &Region, account: AccountId) -> (Region, AccountId) {
    match identifier {
        KeyIdentifier::Arn(arn) => (arn.region().clone(), arn.account()),
        KeyIdentifier::AliasArn(arn) => (arn.region().clone(), arn.account()),
        KeyIdentifier::Id(_) | KeyIdentifier::AliasName(_) => (region.clone(), account),
    }
}

async fn target_of(kms: &Kms, region: &Region, account: &AccountId, name: &AliasName) -> Result<KeyId, KmsError> {
    let alias = kms.catalog.alias(account, region, name).await?;
    alias.map(|alias| alias.target_key_id).ok_or_else(|| alias_not_found(region, *account, name))
}

/// `NotFoundException` for an alias.
pub(super) fn alias_not_found(region: &Region, account: AccountId, name: &AliasName) -> KmsError {
    let arn = AliasArn::new(region.clone(), account, name.clone());
    KmsError::not_found(format!("Alias {arn} is not found."))
}

/// A key of the account.
pub(super) async fn existing_key(
    kms: &Kms,
    region: &Region,
    account: &AccountId,
    id: &KeyId,
) -> Result<Arc<LoadedKey>, KmsError> {
    let key = kms.catalog.key(region, id).await?;
    // An ID that belongs to another account is, to this caller, an ID that does not exist.
    key.filter(|key| key.key.account == *account).ok_or_else(|| {
        let arn = KeyArn::new(region.clone(), *account, *id);
        KmsError::not_found(format!("Key '{arn}' does not exist"))
    })
}

/// Leave to do the call's operation in the caller's account where it is about no key in particular (`Resource: *`).
pub(super) fn authorized_account(call: &Call<'_>) -> Result<Authorized<AccountScope>, KmsError> {
    let scope = AccountScope { account: call.caller.principal.account, region: call.region().clone() };
    authorize(&call.access_request(), &call.action(), scope)
}

/// The state of a key as callers see it, and the custom key store it is in.
pub(super) async fn state_of(
    kms: &Kms,
    call: &Call<'_>,
    key: &Key,
) -> Result<(EffectiveState, Option<Arc<LoadedKeyStore>>), KmsError> {
    let Some(id) = key.origin.custom_key_store_id() else {
        return Ok((EffectiveState::of(key, true, call.now), None));
    };
    let key_store = kms.catalog.key_store(id).await?;
    let connected = key_store.as_ref().is_some_and(|store| store.key_store.connection.is_connected());
    Ok((EffectiveState::of(key, connected, call.now), key_store))
}
