//! From a request and a resource to an explanation. It decides with the same functions as [`super::super::authorize`].

use std::collections::BTreeMap;

use keystead_policy::{Layer, NamedPolicy};

use super::{
    ExplainedDecision, ExplainedDocument, ExplainedGrant, ExplainedLayer, ExplainedStatement, Explanation, Reason,
    answer_of,
};
use crate::access::authorize::{Grants, decision, may_be_granted};
use crate::access::condition_keys::{AllConditionKeys, Reader};
use crate::access::{AccessRequest, Resource};
use crate::error::KmsError;
use crate::key::{Grant, action_of};

/// Explains what is decided of `action` on `resource`. `grants` are those that name who asks; `encryption_context` as of [`Grants`].
/// `reachable`: whether the operation can be done with a resource of that account at all.
pub(crate) fn explain<T: Resource>(
    request: &AccessRequest<'_>,
    action: &str,
    resource: &T,
    grants: &[Grant],
    encryption_context: Option<&BTreeMap<String, String>>,
    reachable: bool,
) -> Result<Explanation, KmsError> {
    let terms = grants.iter().map(Grant::terms).collect::<Result<Vec<_>, _>>()?;
    let mut decided = decision(request, action, resource, &Grants::NONE);
    if may_be_granted(request, resource, &decided) {
        decided = decision(request, action, resource, &Grants { terms: &terms, encryption_context });
    }
    let (decision, reasons) = match reachable {
        true => answer_of(&decided),
        false => (ExplainedDecision::ImplicitDeny, vec![Reason::OtherAccount]),
    };
    Ok(Explanation {
        principal: request.principal.arn.clone(),
        action: action.to_owned(),
        resource: resource.resource_name(),
        decision,
        reasons,
        documents: documents(request, action, resource),
        grants: grants.iter().map(|grant| explained_grant(grant, action)).collect(),
    })
}

fn documents<T: Resource>(request: &AccessRequest<'_>, action: &str, resource: &T) -> Vec<ExplainedDocument> {
    let name = resource.resource_name();
    let bounded = request.policies.boundary.is_some();
    let explained = |layer: Layer, policy: &NamedPolicy| {
        let reader = if layer == Layer::ResourcePolicy { Reader::Resource } else { Reader::Identity };
        let asked = keystead_policy::AccessRequest {
            identity: &request.principal.policy_identity,
            action,
            resource: &name,
            context: &AllConditionKeys { request, resource, reader },
        };
        let document = &policy.document;
        let statements = if bounded { document.explain_bounded(&asked) } else { document.explain(&asked) };
        let statements = statements.into_iter().map(|statement| ExplainedStatement {
            statement: statement.index + 1,
            sid: statement.sid.map(str::to_owned),
            effect: statement.effect.into(),
            mismatch: statement.mismatch.map(|mismatch| mismatch.to_string()),
        });
        ExplainedDocument {
            layer: ExplainedLayer::from(layer),
            policy: policy.name.clone(),
            statements: statements.collect(),
        }
    };
    let side = request.identity_side();
    let of_identity = side.policies.iter().map(|policy| (Layer::IdentityPolicy, policy));
    let boundary = side.boundary.iter().map(|policy| (Layer::PermissionsBoundary, *policy));
    let session = side.session.into_iter().flatten().map(|policy| (Layer::SessionPolicy, policy));
    let of_resource = resource.policy().into_iter().map(|policy| (Layer::ResourcePolicy, policy));
    let all = of_identity.chain(boundary).chain(session).chain(of_resource);
    all.map(|(layer, policy)| explained(layer, policy)).collect()
}

fn explained_grant(grant: &Grant, action: &str) -> ExplainedGrant {
    let constraints = &grant.constraints;
    ExplainedGrant {
        grant_id: grant.id.to_string(),
        name: grant.name.clone(),
        has_operation: grant.operations.iter().any(|operation| action_of(*operation) == action),
        constrained: constraints.encryption_context_equals.is_some() || constraints.encryption_context_subset.is_some(),
    }
}
