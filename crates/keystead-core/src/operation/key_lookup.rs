//! From the `KeyId` member of a request to a key that the caller may use.
//!
//! Texts: KMS core digest 2.1, "Lookup errors".

use std::sync::Arc;

use keystead_model::arn::{
    AccountId, AliasArn, AliasName, InvalidKeyIdentifier, KeyArn, KeyId, KeyIdentifier, Partition, Region,
};
use keystead_model::kms::Exception;

use super::key_grants::{grants_for, grants_of_tokens};
use crate::access::{
    Authorized, Grants, KmsScope, Refused, Subject, authorize_with, no_resource_policy_allows, operation_access,
};
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
    let named = NamedKey::read(call, text, forms)?;
    if named.owner != call.caller.principal.account {
        return key_of_another_account(kms, call, action, &named).await;
    }
    let key = named.own_key(kms, call.region()).await?;
    call.note_resource(AuditResource::key(&key.key.account, &key.arn));
    authorize_key(kms, call, action, key).await.map_err(|refused| refused.error)
}

/// A key of the caller's account, without leave for anything: for operations whose leave is not asked of keys.
pub(super) async fn own_key(kms: &Kms, call: &Call<'_>, text: &str) -> Result<Arc<LoadedKey>, KmsError> {
    let named = NamedKey::read(call, text, AcceptedForms::IdOrArn)?;
    if named.owner != call.caller.principal.account {
        return Err(no_resource_policy_allows(&call.caller.principal, &call.action(), text));
    }
    named.own_key(kms, call.region()).await
}

/// The ID of the key that `text` names, whether or not the caller may do anything with it: nothing of it may be told. `None` if there is
/// none.
pub(super) async fn key_id_of(kms: &Kms, call: &Call<'_>, text: &str) -> Result<Option<KeyId>, KmsError> {
    match NamedKey::read(call, text, AcceptedForms::All) {
        Ok(named) => named.key_id(kms, call.region()).await,
        Err(_) => Ok(None),
    }
}

/// The key of another account, if both accounts allow it. To a caller whom the other account allows nothing, a key that is not there, one
/// that is forbidden, and one that the operation cannot be done with look exactly alike, whatever the caller's own policies say.
async fn key_of_another_account(
    kms: &Kms,
    call: &mut Call<'_>,
    action: &str,
    named: &NamedKey<'_>,
) -> Result<Authorized<Arc<LoadedKey>>, KmsError> {
    let hidden = |call: &Call<'_>| no_resource_policy_allows(&call.caller.principal, action, named.text);
    if !operation_access(call.operation.name).is_some_and(|access| access.cross_account) {
        return Err(hidden(call));
    }
    let key = match named.key_id(kms, call.region()).await? {
        Some(id) => kms.catalog.key(call.region(), &id).await?.filter(|key| key.key.account == named.owner),
        None => None,
    };
    let key = key.ok_or_else(|| hidden(call))?;
    let key = authorize_key(kms, call, action, key).await;
    let key = key.map_err(|refused| if refused.by_resource { hidden(call) } else { refused.error })?;
    call.note_resource(AuditResource::key(&key.key.account, &key.arn));
    Ok(key)
}

/// Leave for an action of the call on a key: by policies, or else by grants, those of grant tokens last.
pub(super) async fn authorize_key(
    kms: &Kms,
    call: &Call<'_>,
    action: &str,
    key: Arc<LoadedKey>,
) -> Result<Authorized<Arc<LoadedKey>>, Refused<Arc<LoadedKey>>> {
    by_policies_or_grants(kms, call, action, key).await.inspect(|allowed| call.note_allowed(allowed))
}

async fn by_policies_or_grants(
    kms: &Kms,
    call: &Call<'_>,
    action: &str,
    key: Arc<LoadedKey>,
) -> Result<Authorized<Arc<LoadedKey>>, Refused<Arc<LoadedKey>>> {
    let keys = call.condition_keys(action, Subject::Key);
    let request = call.caller.access_request(call.now, &keys);
    let mut refused = match authorize_with(&request, action, key, &Grants::NONE) {
        Err(refused) if refused.grants_may_allow => refused,
        decided => return decided,
    };
    let encryption_context = keys.encryption_context();
    let grants = |terms| Grants { terms, encryption_context: encryption_context.as_ref() };
    let known = match grants_for(kms, call, &refused.resource).await {
        Ok(known) => known,
        Err(error) => return Err(Refused { error, ..refused }),
    };
    if !known.is_empty() {
        refused = match authorize_with(&request, action, refused.resource, &grants(&known)) {
            Err(refused) => refused,
            allowed => return allowed,
        };
    }
    if call.grant_tokens.is_empty() {
        return Err(refused);
    }
    match grants_of_tokens(kms, call, &refused.resource, &known).await {
        Ok(of_tokens) if of_tokens.is_empty() => Err(refused),
        Ok(of_tokens) => {
            let terms = [&known[..], &of_tokens].concat();
            authorize_with(&request, action, refused.resource, &grants(&terms))
        }
        Err(error) => Err(Refused { error, ..refused }),
    }
}

/// A key as a request names it, in the Region that is asked.
struct NamedKey<'a> {
    text: &'a str,
    identifier: KeyIdentifier,
    owner: AccountId,
}

impl<'a> NamedKey<'a> {
    fn read(call: &Call<'_>, text: &'a str, forms: AcceptedForms) -> Result<Self, KmsError> {
        let identifier = parse(text, forms)?;
        let (region, owner) = home_of(&identifier, call.region(), call.caller.principal.account);
        if region != *call.region() {
            return Err(KmsError::not_found(format!("Invalid arn {region}")));
        }
        Ok(Self { text, identifier, owner })
    }

    /// The alias, if it is named by one.
    fn alias_name(&self) -> Option<&AliasName> {
        match &self.identifier {
            KeyIdentifier::AliasName(name) => Some(name),
            KeyIdentifier::AliasArn(arn) => Some(arn.alias_name()),
            KeyIdentifier::Id(_) | KeyIdentifier::Arn(_) => None,
        }
    }

    /// The key's ID; `None` for an alias that does not exist.
    async fn key_id(&self, kms: &Kms, region: &Region) -> Result<Option<KeyId>, KmsError> {
        let name = match &self.identifier {
            KeyIdentifier::Id(id) => return Ok(Some(*id)),
            KeyIdentifier::Arn(arn) => return Ok(Some(arn.key_id())),
            KeyIdentifier::AliasName(name) => name,
            KeyIdentifier::AliasArn(arn) => arn.alias_name(),
        };
        let alias = kms.catalog.alias(&self.owner, region, name).await?;
        Ok(alias.map(|alias| alias.target_key_id))
    }

    /// The key, of an account that may know whether it exists.
    async fn own_key(&self, kms: &Kms, region: &Region) -> Result<Arc<LoadedKey>, KmsError> {
        match (self.key_id(kms, region).await?, self.alias_name()) {
            (Some(id), _) => existing_key(kms, region, &self.owner, &id).await,
            (None, Some(name)) => Err(alias_not_found(region, self.owner, name)),
            (None, None) => Err(KmsError::not_found(format!("Invalid keyId '{}'", self.text))),
        }
    }
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

/// Leave to do the call's operation in the caller's account where it is about no key in particular.
pub(super) fn authorized_account(call: &Call<'_>) -> Result<Authorized<KmsScope>, KmsError> {
    let scope = KmsScope { account: call.caller.principal.account, region: call.region().clone() };
    let access = operation_access(call.operation.name).and_then(|access| access.actions.first());
    let subject = access.map_or(Subject::Region, |(_, subject)| *subject);
    call.authorize(&call.action(), subject, scope)
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
