//! Session policies: what a session may do at most.

use keystead_core::access::{AwsManagedPolicy, SessionContent, customer_policy_name};
use keystead_core::port::Store;
use keystead_model::arn::AccountId;
use keystead_policy::{PolicyDocument, PolicyKind};
use keystead_query::Parameters;

use super::text::SESSION_POLICY;
use crate::error::IdentityError;

/// The most managed session policies (AWS STS API Reference, AssumeRole).
const POLICY_ARNS_MAX: usize = 10;

/// The session policies that a request gives.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct SessionPolicies {
    policy: Option<String>,
    arns: Vec<String>,
}

impl SessionPolicies {
    pub(super) fn take(parameters: &mut Parameters) -> Result<Self, IdentityError> {
        let policy = SESSION_POLICY.optional(parameters, "Policy")?;
        if let Some(policy) = &policy {
            check(policy)?;
        }
        let mut arns = Vec::new();
        for mut descriptor in parameters.member_structures("PolicyArns") {
            arns.push(descriptor.required("arn")?);
            descriptor.finish()?;
        }
        if arns.len() > POLICY_ARNS_MAX {
            let message = format!("A session can have at most {POLICY_ARNS_MAX} managed session policies.");
            return Err(IdentityError::validation(message));
        }
        Ok(Self { policy, arns })
    }

    /// Gives them to a session of a role of `account`. Managed ones must exist: those of the account, and those of AWS.
    pub(super) async fn put_into(
        self,
        content: &mut SessionContent,
        store: &dyn Store,
        account: &AccountId,
    ) -> Result<(), IdentityError> {
        for arn in &self.arns {
            if !exists(arn, store, account).await? {
                // Which error AWS gives here is unverified.
                let message =
                    format!("{arn} is no managed policy of the role's account, and none of AWS that is known here.");
                return Err(IdentityError::validation(message));
            }
        }
        content.policy = self.policy;
        content.policy_arns = self.arns;
        Ok(())
    }
}

fn check(policy: &str) -> Result<(), IdentityError> {
    match PolicyDocument::parse(policy, PolicyKind::Identity) {
        Ok(_) => Ok(()),
        Err(error) => Err(IdentityError::malformed_policy(error.to_string())),
    }
}

async fn exists(arn: &str, store: &dyn Store, account: &AccountId) -> Result<bool, IdentityError> {
    if AwsManagedPolicy::of_arn(arn).is_some() {
        return Ok(true);
    }
    match customer_policy_name(arn) {
        Some((owner, name)) if owner == *account => {
            let policy = store.policy(account, name).await?;
            Ok(policy.is_some_and(|policy| policy.arn() == arn))
        }
        Some(_) | None => Ok(false),
    }
}
