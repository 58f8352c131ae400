//! What a request asks to simulate.

use keystead_core::access::{NamedPrincipal, PrincipalKind};
use keystead_policy::RequestContext;
use keystead_query::Parameters;

use super::context_entries::take_context_entries;
use super::documents::{Documents, SourceType};
use super::scenario::account_of;
use super::simulated_caller::SimulatedCaller;
use crate::error::IdentityError;
use crate::iam::call::Call;

/// The members that both simulations have.
pub(super) struct SimulationRequest {
    /// Policies that count as the identity's.
    pub(super) policies: Documents,
    /// The permissions boundary: none or one.
    pub(super) boundary: Documents,
    pub(super) resource_policy: Documents,
    pub(super) actions: Vec<String>,
    /// None: every resource.
    pub(super) resources: Vec<String>,
    pub(super) resource_owner: Option<String>,
    pub(super) caller: Option<SimulatedCaller>,
    pub(super) context: RequestContext,
}

/// Lengths of an action's name in characters (IAM API Reference, `ActionNameType`).
const ACTION_CHARS: std::ops::RangeInclusive<usize> = 3..=128;
/// The longest name of a resource in characters (`ResourceNameType`).
const RESOURCE_CHARS_MAX: usize = 2048;

/// The most pairs of an action and a resource of one request. AWS documents no limit (unverified).
const PAIRS_MAX: usize = 10_000;

impl SimulationRequest {
    /// Takes them. Fails with `InvalidInput`, whose texts are unverified.
    pub(super) fn take(parameters: &mut Parameters) -> Result<Self, IdentityError> {
        let resource_policy = match parameters.take("ResourcePolicy") {
            None => Documents::default(),
            Some(text) => {
                let mut documents = Documents::default();
                documents.add("ResourcePolicy".to_owned(), SourceType::Resource, text)?;
                documents
            }
        };
        let boundary = take_documents(parameters, "PermissionsBoundaryPolicyInputList")?;
        if boundary.policies.len() > 1 {
            return Err(IdentityError::invalid_input("There can be only one permissions boundary."));
        }
        let (actions, resources) = (take_actions(parameters)?, take_resources(parameters)?);
        check_pairs(actions.len(), resources.len())?;
        Ok(Self {
            policies: take_documents(parameters, "PolicyInputList")?,
            boundary,
            resource_policy,
            actions,
            resources,
            resource_owner: parameters.take("ResourceOwner").map(|owner| owner_account(&owner)).transpose()?,
            caller: parameters.take("CallerArn").map(|arn| named_caller(&arn)).transpose()?,
            context: take_context_entries(parameters)?,
        })
    }

    /// Who is simulated, if the request does not say so: the caller itself, as far as it is a user or a role.
    pub(super) fn caller_or_own(&self, call: &Call<'_>) -> SimulatedCaller {
        if let Some(caller) = &self.caller {
            return caller.clone();
        }
        let principal = &call.caller.principal;
        let mut caller = SimulatedCaller::named(principal.account.to_string(), principal.arn.clone());
        if let PrincipalKind::AssumedRole { role_arn, .. } = &principal.kind {
            caller.identity.role_arn = Some(role_arn.clone());
        }
        caller
    }
}

/// `NAME.member.1` and so on, named as results name them: `NAME.1`.
pub(super) fn take_documents(parameters: &mut Parameters, name: &str) -> Result<Documents, IdentityError> {
    let mut documents = Documents::default();
    for (index, text) in parameters.members(name).into_iter().enumerate() {
        documents.add(format!("{name}.{}", index + 1), SourceType::None, text)?;
    }
    Ok(documents)
}

fn take_actions(parameters: &mut Parameters) -> Result<Vec<String>, IdentityError> {
    let actions = parameters.members("ActionNames");
    if actions.is_empty() {
        return Err(parameters.missing("ActionNames").into());
    }
    let is_action = |action: &str| {
        let named = action.split_once(':').is_some_and(|(service, name)| !service.is_empty() && !name.is_empty());
        named && ACTION_CHARS.contains(&action.chars().count()) && !action.contains(['*', '?'])
    };
    match actions.iter().find(|action| !is_action(action)) {
        Some(action) => Err(IdentityError::invalid_input(format!("Invalid Action: {action}"))),
        None => Ok(actions),
    }
}

fn take_resources(parameters: &mut Parameters) -> Result<Vec<String>, IdentityError> {
    let resources = parameters.members("ResourceArns");
    let is_resource =
        |name: &str| (name == "*" || name.starts_with("arn:")) && name.chars().count() <= RESOURCE_CHARS_MAX;
    match resources.iter().find(|name| !is_resource(name)) {
        Some(name) => Err(IdentityError::invalid_input(format!("Invalid Resource: {name} is neither an ARN nor *"))),
        None => Ok(resources),
    }
}

fn check_pairs(actions: usize, resources: usize) -> Result<(), IdentityError> {
    let pairs = actions.saturating_mul(resources.max(1));
    if pairs <= PAIRS_MAX {
        return Ok(());
    }
    Err(IdentityError::limit_exceeded(format!(
        "{actions} actions on {resources} resources are {pairs} simulations; a request may ask for at most {PAIRS_MAX}."
    )))
}

/// An ARN of an account, such as its root user's, or its ID.
fn owner_account(owner: &str) -> Result<String, IdentityError> {
    let is_id = owner.len() == 12 && owner.bytes().all(|byte| byte.is_ascii_digit());
    let account = if is_id { Some(owner) } else { account_of(owner) };
    account
        .map(str::to_owned)
        .ok_or_else(|| IdentityError::invalid_input(format!("Invalid ResourceOwner: {owner} names no account")))
}

/// Users alone can be named (IAM API Reference, SimulatePrincipalPolicy).
fn named_caller(arn: &str) -> Result<SimulatedCaller, IdentityError> {
    let is_user = arn.contains(":user/") && NamedPrincipal::parse(arn).is_some();
    match account_of(arn).filter(|_| is_user) {
        Some(account) => Ok(SimulatedCaller::named(account.to_owned(), arn.to_owned())),
        None => Err(IdentityError::invalid_input(format!("Invalid CallerArn: {arn} is no user"))),
    }
}
