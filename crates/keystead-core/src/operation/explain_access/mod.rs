//! Explains the authorization of a request that nobody makes, for operators: no operation of the KMS API.

mod given;
mod misplaced;
mod principal;
mod sts;

use std::sync::Arc;

use keystead_model::arn::{AccountId, AliasName, KeyIdentifier, Region};
use keystead_model::shape::{Operation, operation};
use keystead_policy::RequestContext;
use serde_json::Value;

use super::create_alias::AliasResource;
use super::key_grants::stored_grants_for;
use super::key_lookup::{alias_not_found, existing_key};
use crate::access::{
    AllKeys, AskedAccess, ExplainedLayer, Explanation, KmsScope, OPERATION_ACCESS, OperationAccess, Resource, Subject,
    explain,
};
use crate::audit::TlsDetails;
use crate::catalog::LoadedKey;
use crate::error::KmsError;
use crate::key::Grant;
use crate::kms::{Call, Caller, Kms, RequestOrigin, new_uuid};
use given::{GivenFirst, given_keys, input_of};
use misplaced::{misplaced, unknown_action};
use principal::{no_principal, principal_named};
use sts::StsAction;

/// A question that an operator asks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AccessQuestion {
    /// Who asks: the ARN of an account's root user, a user, a role or a role's session, or the 12 digits of an account for its root user.
    pub principal: String,
    /// Such as `kms:Encrypt`, whatever the case of its letters.
    pub action: String,
    /// The ARN of a key, of an alias or of anything else; `*` for operations about nothing in particular.
    pub resource: String,
    /// Condition keys and values, of which a key may have several: what the request would have. Pairs of an encryption context are
    /// `kms:EncryptionContext:NAME`. Unless it says otherwise the request comes over TLS.
    pub context: Vec<(String, String)>,
}

impl Kms {
    /// Answers an operator's question with the same functions that authorize requests. Session policies are not known to it.
    ///
    /// Fails with a validation error for what cannot be asked, and with `NotFoundException` for a principal or key that does not exist.
    pub async fn explain_access(&self, question: &AccessQuestion) -> Result<Explanation, KmsError> {
        let asked = Asked::read(self, question)?;
        let (principal, region) = (principal_named(self, &question.principal).await?, asked.region.clone());
        let policies = self.catalog.principal_policies(&principal).await?;
        let policies = policies.ok_or_else(|| no_principal(&question.principal))?;
        let request_id = new_uuid(&*self.entropy);
        let origin = RequestOrigin {
            request_id,
            source_ip: String::new(),
            user_agent: String::new(),
            tls: Some(tls()),
            vpc_endpoint: None,
        };
        let caller = Caller { principal: Arc::new(principal), policies, access_key_id: String::new(), region, origin };
        asked.explain(self, &caller).await
    }
}

/// A connection of which nothing is known but that it has TLS.
fn tls() -> TlsDetails {
    let unknown = String::new();
    TlsDetails { tls_version: unknown.clone(), cipher_suite: unknown.clone(), client_provided_host_header: unknown }
}

/// A question, read.
struct Asked<'a> {
    action: &'a str,
    /// The operation of KMS that asks for leave for the action.
    operation: Option<(&'static OperationAccess, &'static Operation)>,
    resource: &'a str,
    region: Region,
    given: RequestContext,
    /// The request's members, as far as they are known.
    input: Value,
}

impl<'a> Asked<'a> {
    fn read(kms: &Kms, question: &'a AccessQuestion) -> Result<Self, KmsError> {
        let named = question.action.split_once(':');
        let named = named.is_some_and(|(service, name)| !service.is_empty() && !name.is_empty());
        if !named || question.action.contains(['*', '?']) {
            let message = format!("{} is no action: actions are named like kms:Encrypt", question.action);
            return Err(KmsError::validation(message));
        }
        let of_kms = action_of_kms(&question.action);
        if of_kms.is_none() && question.action.to_ascii_lowercase().starts_with("kms:") {
            return Err(unknown_action(&question.action));
        }
        let region = region_of(kms, &question.resource)?;
        let action =
            of_kms.map(|(action, ..)| action).or_else(|| StsAction::named(&question.action).map(StsAction::name));
        let action = action.unwrap_or(&question.action);
        let operation = of_kms.map(|(_, access, operation)| (access, operation));
        let (given, input) = (given_keys(&question.context), input_of(question));
        Ok(Self { action, operation, resource: &question.resource, region, given, input })
    }

    async fn explain(&self, kms: &Kms, caller: &Caller) -> Result<Explanation, KmsError> {
        let account = caller.principal.account;
        if let Some(action) = StsAction::named(self.action) {
            return self.explain_of_sts(kms, caller, action).await;
        }
        let Some((access, operation)) = self.operation else {
            let owner = account_of(self.resource).unwrap_or(account);
            let resource = Named { owner, name: self.resource.to_owned() };
            let reachable = resource.owner == account;
            let asked = AskedAccess { reachable, ..self.without_grants(ExplainedLayer::KeyPolicy) };
            return explain(&caller.access_request(kms.clock.now(), &self.given), &asked, &resource);
        };
        let call = self.call(kms, caller, operation);
        let subjects =
            || access.actions.iter().filter(|(action, _)| *action == self.action).map(|(_, subject)| *subject);
        let has = |subject| subjects().any(|found| found == subject);
        let scope = || KmsScope { account, region: self.region.clone() };
        match KeyIdentifier::parse(self.resource) {
            Ok(KeyIdentifier::AliasArn(arn)) if has(Subject::Alias) => {
                let resource =
                    AliasResource { account: arn.account(), name: arn.alias_name().clone(), arn: arn.to_string() };
                self.explain_of_kms(&call, Subject::Alias, &resource, &[], access)
            }
            Ok(KeyIdentifier::AliasArn(arn)) if has(Subject::Key) => {
                let key = alias_target(kms, &arn.account(), &self.region, arn.alias_name()).await?;
                self.explain_of_key(kms, &call, key, access).await
            }
            Ok(KeyIdentifier::Arn(arn)) if has(Subject::Key) => {
                let key = existing_key(kms, &self.region, &arn.account(), &arn.key_id()).await?;
                self.explain_of_key(kms, &call, key, access).await
            }
            Err(_) if self.resource == "*" && has(Subject::CustomKeyStores) => {
                self.explain_of_kms(&call, Subject::CustomKeyStores, &scope(), &[], access)
            }
            Err(_) if self.resource == "*" && self.action == "kms:TagResource" => {
                self.explain_of_kms(&call, Subject::Region, &AllKeys(scope()), &[], access)
            }
            Err(_) if self.resource == "*" && has(Subject::Region) => {
                self.explain_of_kms(&call, Subject::Region, &scope(), &[], access)
            }
            _ => Err(misplaced(self.action, self.resource, &has)),
        }
    }

    fn call<'b>(&'b self, kms: &Kms, caller: &'b Caller, operation: &'static Operation) -> Call<'b> {
        Call::new(caller, operation, &self.input, 0, kms.clock.now())
    }

    async fn explain_of_key(
        &self,
        kms: &Kms,
        call: &Call<'_>,
        key: Arc<LoadedKey>,
        access: &OperationAccess,
    ) -> Result<Explanation, KmsError> {
        let grants = stored_grants_for(kms, call, &key).await?;
        self.explain_of_kms(call, Subject::Key, &key, &grants, access)
    }

    fn explain_of_kms<T: Resource>(
        &self,
        call: &Call<'_>,
        subject: Subject,
        resource: &T,
        grants: &[Grant],
        access: &OperationAccess,
    ) -> Result<Explanation, KmsError> {
        let of_request = call.condition_keys(self.action, subject);
        let encryption_context = of_request.encryption_context();
        let keys = GivenFirst { given: &self.given, others: &of_request };
        let request = call.caller.access_request(call.now, &keys);
        let reachable = access.cross_account || call.caller.principal.account == *resource.owner();
        let asked = AskedAccess {
            grants,
            encryption_context: encryption_context.as_ref(),
            reachable,
            ..self.without_grants(ExplainedLayer::KeyPolicy)
        };
        explain(&request, &asked, resource)
    }

    fn without_grants(&self, resource_layer: ExplainedLayer) -> AskedAccess<'_> {
        AskedAccess {
            action: self.action,
            given: &self.given,
            grants: &[],
            encryption_context: None,
            reachable: true,
            resource_layer,
        }
    }
}

/// What is no key: whatever service it is of, only the policies of identities speak of it.
struct Named {
    owner: AccountId,
    name: String,
}

impl Resource for Named {
    fn owner(&self) -> &AccountId {
        &self.owner
    }

    fn resource_name(&self) -> String {
        self.name.clone()
    }
}

/// The action as it is written, and the first operation that asks for it: the one of the same name, if there is one.
fn action_of_kms(action: &str) -> Option<(&'static str, &'static OperationAccess, &'static Operation)> {
    let asks = |access: &&'static OperationAccess| {
        access.actions.iter().find(|(known, _)| known.eq_ignore_ascii_case(action)).map(|(known, _)| *known)
    };
    let named = |access: &&'static OperationAccess| {
        action.split_once(':').is_some_and(|(_, name)| access.operation.eq_ignore_ascii_case(name))
    };
    let access = OPERATION_ACCESS.iter().filter(|access| asks(access).is_some());
    let access = access.min_by_key(|access| !named(access))?;
    Some((asks(&access)?, access, operation(access.operation)?))
}

/// The Region that a resource is in; the home Region for what is in none.
fn region_of(kms: &Kms, resource: &str) -> Result<Region, KmsError> {
    match resource.strip_prefix("arn:").and_then(|rest| rest.split(':').nth(2)) {
        None | Some("" | "*") => Ok(kms.home_region().clone()),
        Some(name) => kms
            .region_named(name)
            .cloned()
            .ok_or_else(|| KmsError::validation(format!("The Region {name} of {resource} is not served here"))),
    }
}

fn account_of(resource: &str) -> Option<AccountId> {
    AccountId::parse(resource.strip_prefix("arn:")?.split(':').nth(3)?)
}

async fn alias_target(
    kms: &Kms,
    account: &AccountId,
    region: &Region,
    name: &AliasName,
) -> Result<Arc<LoadedKey>, KmsError> {
    match kms.catalog.alias(account, region, name).await? {
        Some(alias) => existing_key(kms, region, account, &alias.target_key_id).await,
        None => Err(alias_not_found(region, *account, name)),
    }
}
