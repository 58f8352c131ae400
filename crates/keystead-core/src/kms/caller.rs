//! Who calls.

use std::sync::Arc;

use keystead_model::Timestamp;
use keystead_model::arn::Region;

use super::RequestOrigin;
use crate::access::{AccessRequest, Principal, PrincipalPolicies, RequestConditionKeys};

/// A caller whose signature is verified, and how its request came.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who it is.
    pub principal: Arc<Principal>,
    /// What IAM has of it.
    pub policies: Arc<PrincipalPolicies>,
    /// The access key that signed.
    pub access_key_id: String,
    /// The Region in the scope of the signature: the one that is asked.
    pub region: Region,
    /// How its request came.
    pub origin: RequestOrigin,
}

impl Caller {
    /// The caller's request as authorization sees it; `keys` tell what the request itself says.
    pub fn access_request<'a>(&'a self, now: Timestamp, keys: &'a RequestConditionKeys<'a>) -> AccessRequest<'a> {
        AccessRequest {
            principal: &self.principal,
            policies: &self.policies,
            origin: &self.origin,
            region: &self.region,
            now,
            keys,
        }
    }
}
