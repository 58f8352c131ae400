//! What policies would decide: SimulatePrincipalPolicy, SimulateCustomPolicy, GetContextKeysForPrincipalPolicy,
//! GetContextKeysForCustomPolicy.
//!
//! Source: IAM API Reference; IAM User Guide, "IAM policy testing with the IAM policy simulator". As in AWS, neither key policies nor grants
//! take part unless the request gives the policy.

mod context_entries;
mod documents;
mod policy_source;
mod request;
mod results;
mod scenario;
mod simulated_caller;
mod statement_positions;
mod written_keys;

use keystead_query::{Parameters, Structure};

use self::documents::Documents;
use self::policy_source::PolicySource;
use self::request::{SimulationRequest, take_documents};
use self::results::{evaluation_result, is_specific};
use self::scenario::Scenario;
use self::simulated_caller::SimulatedCaller;
use self::written_keys::WrittenKeys;
use super::call::Call;
use super::names::ARN;
use super::page::Page;
use crate::error::IdentityError;

/// Simulates the policies of a user, a group or a role, and those that the request adds.
pub(super) async fn simulate_principal_policy(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let source = ARN.required(&mut parameters, "PolicySourceArn")?;
    let page = Page::take(call, &mut parameters, &[&source])?;
    call.authorize(source.as_str())?;
    let mut request = SimulationRequest::take(&mut parameters)?;
    parameters.finish()?;
    let source = PolicySource::find(call.store(), &call.account(), &source).await?;
    if !request.resource_policy.policies.is_empty() && request.caller.is_none() && !source.is_user() {
        return Err(IdentityError::invalid_input(
            "A CallerArn is needed with a ResourcePolicy, unless the source is a user.",
        ));
    }
    let caller = request.caller.clone().unwrap_or_else(|| source.caller());
    let mut policies = source.policies(call.store()).await?;
    policies.append(std::mem::take(&mut request.policies));
    request.policies = policies;
    if request.boundary.policies.is_empty() {
        request.boundary = source.boundary(call.store()).await?;
    }
    Ok(Some(simulated(call, page, caller, request).await))
}

/// Simulates the policies that the request gives.
pub(super) async fn simulate_custom_policy(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let page = Page::take(call, &mut parameters, &[])?;
    call.authorize("*")?;
    let request = SimulationRequest::take(&mut parameters)?;
    if request.policies.policies.is_empty() {
        return Err(parameters.missing("PolicyInputList").into());
    }
    parameters.finish()?;
    let caller = request.caller_or_own(call);
    Ok(Some(simulated(call, page, caller, request).await))
}

/// Lists the condition keys that the policies of a user, a group or a role speak of, and those that the request adds.
pub(super) async fn get_context_keys_for_principal_policy(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let source = ARN.required(&mut parameters, "PolicySourceArn")?;
    call.authorize(source.as_str())?;
    let added = take_documents(&mut parameters, "PolicyInputList")?;
    parameters.finish()?;
    let source = PolicySource::find(call.store(), &call.account(), &source).await?;
    let policies = source.policies(call.store()).await?;
    Ok(Some(keys_shown(&keys_of([&policies, &added]))))
}

/// Lists the condition keys that the policies of the request speak of.
pub(super) async fn get_context_keys_for_custom_policy(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    call.authorize("*")?;
    let policies = take_documents(&mut parameters, "PolicyInputList")?;
    if policies.policies.is_empty() {
        return Err(parameters.missing("PolicyInputList").into());
    }
    parameters.finish()?;
    Ok(Some(keys_shown(&keys_of([&policies]))))
}

/// A page has whole actions, each with all its resources: one action at least, and otherwise no more results than asked for.
async fn simulated(call: &Call<'_>, page: Page<'_>, caller: SimulatedCaller, request: SimulationRequest) -> Structure {
    let page = page.of_groups(if is_specific(&request.resources) { request.resources.len() } else { 1 });
    let mut context = request.context;
    caller.complete(&mut context, call.now);
    let scenario = Scenario {
        resource_owner: request.resource_owner.unwrap_or_else(|| caller.identity.account.clone()),
        keys: keys_of([&request.policies, &request.boundary, &request.resource_policy]),
        caller,
        policies: request.policies,
        boundary: request.boundary,
        resource_policy: request.resource_policy,
        context,
    };
    let actions = request.actions.iter().enumerate();
    let actions: Vec<_> = actions.map(|(index, action)| (format!("{index:010}"), action)).collect();
    let actions = page.of_all(actions, |(place, _)| place.as_str());
    let (actions, marker) = page.cut(&actions, |(place, _)| place.as_str());
    let mut results = Vec::with_capacity(actions.len());
    for (_, action) in actions {
        results.push(evaluation_result(&scenario, action, &request.resources).await);
    }
    let answer = Structure::default().with_list("EvaluationResults", results);
    answer.with("IsTruncated", marker.is_some()).with_some("Marker", marker)
}

fn keys_of<'a>(documents: impl IntoIterator<Item = &'a Documents>) -> WrittenKeys {
    let mut keys = WrittenKeys::default();
    documents.into_iter().flat_map(Documents::texts).for_each(|text| keys.add_document(text));
    keys
}

fn keys_shown(keys: &WrittenKeys) -> Structure {
    Structure::default().with_list("ContextKeyNames", keys.names())
}
