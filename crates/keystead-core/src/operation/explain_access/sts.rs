//! Questions about what STS does: taking roles, and what everybody may.

use super::Asked;
use crate::access::{
    AssumableRole, ExplainedDecision, ExplainedLayer, Explanation, PrincipalKind, Reason, explain,
    explain_without_policies,
};
use crate::error::KmsError;
use crate::kms::{Caller, Kms};

/// An action of STS that other rules decide than the policies of who asks.
#[derive(Clone, Copy)]
pub(super) struct StsAction {
    name: &'static str,
    rule: Rule,
}

#[derive(Clone, Copy)]
enum Rule {
    /// The role's trust policy counts as the resource's.
    TrustPolicy,
    /// Everybody may.
    Everybody,
    /// Users and root users may, with their long-term access keys.
    LongTermAccessKeys,
}

/// In the order of their names (AWS STS API Reference).
const ACTIONS: [StsAction; 6] = [
    StsAction { name: "sts:AssumeRole", rule: Rule::TrustPolicy },
    StsAction { name: "sts:AssumeRoleWithWebIdentity", rule: Rule::TrustPolicy },
    StsAction { name: "sts:GetCallerIdentity", rule: Rule::Everybody },
    StsAction { name: "sts:GetSessionToken", rule: Rule::LongTermAccessKeys },
    StsAction { name: "sts:SetSourceIdentity", rule: Rule::TrustPolicy },
    StsAction { name: "sts:TagSession", rule: Rule::TrustPolicy },
];

impl StsAction {
    /// The action of that name, whatever the case of its letters.
    pub(super) fn named(action: &str) -> Option<Self> {
        ACTIONS.iter().find(|known| known.name.eq_ignore_ascii_case(action)).copied()
    }

    pub(super) fn name(self) -> &'static str {
        self.name
    }
}

impl Asked<'_> {
    pub(super) async fn explain_of_sts(
        &self,
        kms: &Kms,
        caller: &Caller,
        action: StsAction,
    ) -> Result<Explanation, KmsError> {
        let principal = &caller.principal;
        let is_session = matches!(principal.kind, PrincipalKind::AssumedRole { .. });
        let certain = |resource: &str, decision, reason| {
            explain_without_policies(principal, action.name, resource.to_owned(), decision, vec![reason])
        };
        match action.rule {
            Rule::Everybody => Ok(certain("*", ExplainedDecision::Allowed, Reason::Everybody)),
            Rule::LongTermAccessKeys if is_session => {
                Ok(certain("*", ExplainedDecision::ImplicitDeny, Reason::LongTermAccessKeys))
            }
            Rule::LongTermAccessKeys => Ok(certain("*", ExplainedDecision::Allowed, Reason::LongTermAccessKeys)),
            Rule::TrustPolicy => {
                let role = self.role(kms, action.name).await?;
                if principal.kind == PrincipalKind::Root {
                    let reason = Reason::RootAssumesNoRole;
                    return Ok(certain(&role.role.arn(), ExplainedDecision::ImplicitDeny, reason));
                }
                let request = caller.access_request(kms.clock.now(), &self.given);
                explain(&request, &self.without_grants(ExplainedLayer::TrustPolicy), &&role)
            }
        }
    }

    async fn role(&self, kms: &Kms, action: &str) -> Result<AssumableRole, KmsError> {
        if !self.resource.contains(":role/") {
            return Err(KmsError::validation(format!("{action} is asked of a role: give --resource ROLE-ARN")));
        }
        let role = AssumableRole::find(kms.catalog.store(), self.resource).await?;
        role.ok_or_else(|| KmsError::not_found(format!("There is no role {}", self.resource)))
    }
}
