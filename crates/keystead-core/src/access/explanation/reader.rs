//! From a request and a resource to an explanation. It decides with the same functions as [`super::super::authorize`].

use std::collections::BTreeMap;

use keystead_policy::{Condition, ConditionKeys, GrantConstraint, GrantTerms, Layer, Mismatch, NamedPolicy, Statement};

use super::keys_not_given::is_not_given;
use super::{
    ExplainedConstraint, ExplainedDecision, ExplainedDocument, ExplainedGrant, ExplainedLayer, ExplainedStatement,
    Explanation, Reason, WithoutPolicies, answer_of,
};
use crate::access::authorize::{Grants, decision, may_be_granted};
use crate::access::condition_keys::{AllConditionKeys, Reader};
use crate::access::{AccessRequest, Principal, PrincipalKind, Resource};
use crate::error::KmsError;
use crate::key::{Grant, action_of};

/// What is asked, besides who asks and of which resource.
#[derive(Clone, Copy)]
pub(crate) struct AskedAccess<'a> {
    /// Such as `kms:Encrypt`.
    pub(crate) action: &'a str,
    /// The condition keys that the question gives.
    pub(crate) given: &'a dyn ConditionKeys,
    /// Those that name who asks.
    pub(crate) grants: &'a [Grant],
    /// As of [`Grants`].
    pub(crate) encryption_context: Option<&'a BTreeMap<String, String>>,
    /// Whether the operation can be done with a resource of that account at all.
    pub(crate) reachable: bool,
    /// What the resource's policy is.
    pub(crate) resource_layer: ExplainedLayer,
}

/// Explains what is decided.
pub(crate) fn explain<T: Resource>(
    request: &AccessRequest<'_>,
    asked: &AskedAccess<'_>,
    resource: &T,
) -> Result<Explanation, KmsError> {
    let AskedAccess { action, grants, encryption_context, .. } = *asked;
    let terms = grants.iter().map(Grant::terms).collect::<Result<Vec<_>, _>>()?;
    let mut decided = decision(request, action, resource, &Grants::NONE);
    if may_be_granted(request, resource, &decided) {
        decided = decision(request, action, resource, &Grants { terms: &terms, encryption_context });
    }
    let same_account = request.principal.account == *resource.owner();
    let (decision, reasons) = match asked.reachable {
        true => answer_of(&decided, asked.resource_layer, same_account),
        false => (ExplainedDecision::ImplicitDeny, vec![Reason::OtherAccount]),
    };
    let grants = grants.iter().zip(&terms);
    Ok(Explanation {
        documents: documents(request, asked, resource),
        grants: grants.map(|(grant, terms)| explained_grant(grant, terms, asked)).collect(),
        without_policies: without_policies(request),
        session_policies_unknown: matches!(request.principal.kind, PrincipalKind::AssumedRole { .. }),
        ..explain_without_policies(request.principal, action, resource.name_in_refusals(), decision, reasons)
    })
}

/// What is decided whatever policies say.
pub(crate) fn explain_without_policies(
    principal: &Principal,
    action: &str,
    resource: String,
    decision: ExplainedDecision,
    reasons: Vec<Reason>,
) -> Explanation {
    let (principal, action) = (principal.arn.clone(), action.to_owned());
    Explanation {
        principal,
        action,
        resource,
        decision,
        reasons,
        documents: Vec::new(),
        grants: Vec::new(),
        without_policies: None,
        session_policies_unknown: false,
    }
}

fn without_policies(request: &AccessRequest<'_>) -> Option<WithoutPolicies> {
    match &request.principal.kind {
        _ if !request.policies.policies.is_empty() => None,
        PrincipalKind::User { user_name, .. } => Some(WithoutPolicies::User(user_name.clone())),
        PrincipalKind::AssumedRole { role_name, .. } => Some(WithoutPolicies::Role(role_name.clone())),
        PrincipalKind::Root | PrincipalKind::WebIdentity { .. } => None,
    }
}

fn documents<T: Resource>(
    request: &AccessRequest<'_>,
    asked: &AskedAccess<'_>,
    resource: &T,
) -> Vec<ExplainedDocument> {
    let side = request.identity_side();
    let of_identity = side.policies.iter().map(|policy| (Layer::IdentityPolicy, policy));
    let boundary = side.boundary.iter().map(|policy| (Layer::PermissionsBoundary, *policy));
    let session = side.session.into_iter().flatten().map(|policy| (Layer::SessionPolicy, policy));
    let of_resource = resource.policy().into_iter().map(|policy| (Layer::ResourcePolicy, policy));
    let all = of_identity.chain(boundary).chain(session).chain(of_resource);
    all.map(|(layer, policy)| explained_document(request, asked, resource, layer, policy)).collect()
}

fn explained_document<T: Resource>(
    request: &AccessRequest<'_>,
    asked: &AskedAccess<'_>,
    resource: &T,
    layer: Layer,
    policy: &NamedPolicy,
) -> ExplainedDocument {
    let reader = if layer == Layer::ResourcePolicy { Reader::Resource } else { Reader::Identity };
    let context = AllConditionKeys { request, resource, reader };
    let question = keystead_policy::AccessRequest {
        identity: &request.principal.policy_identity,
        action: asked.action,
        resource: &resource.resource_name(),
        context: &context,
    };
    let (document, bounded) = (&policy.document, request.policies.boundary.is_some());
    let statements = if bounded { document.explain_bounded(&question) } else { document.explain(&question) };
    let not_given = |key: &str| is_not_given(&key.to_ascii_lowercase(), asked.given, &context, request.principal);
    // Of one that fits: a condition may hold only because the key is absent.
    let of_fitting = |index: usize| {
        let conditions = document.statements().get(index).map(Statement::conditions);
        conditions.into_iter().flatten().map(Condition::key).find(|key| not_given(key))
    };
    let statements = statements.into_iter().map(|statement| ExplainedStatement {
        statement: statement.index + 1,
        sid: statement.sid.map(str::to_owned),
        effect: statement.effect.into(),
        mismatch: statement.mismatch.map(|mismatch| mismatch.to_string()),
        key_not_given: match statement.mismatch {
            Some(Mismatch::Condition { key, .. }) if not_given(key) => Some(key.to_owned()),
            None => of_fitting(statement.index).map(str::to_owned),
            Some(_) => None,
        },
    });
    ExplainedDocument {
        layer: ExplainedLayer::of(layer, asked.resource_layer),
        policy: policy.name.clone(),
        statements: statements.collect(),
    }
}

fn explained_grant(grant: &Grant, terms: &GrantTerms, asked: &AskedAccess<'_>) -> ExplainedGrant {
    let unmet = terms.unmet_constraint(asked.encryption_context);
    ExplainedGrant {
        grant_id: grant.id.to_string(),
        name: grant.name.clone(),
        has_operation: grant.operations.iter().any(|operation| action_of(*operation) == asked.action),
        unmet_constraint: unmet.map(|constraint| match constraint {
            GrantConstraint::Equals(pairs) => ExplainedConstraint::EncryptionContextEquals(pairs.clone()),
            GrantConstraint::Subset(pairs) => ExplainedConstraint::EncryptionContextSubset(pairs.clone()),
        }),
    }
}
