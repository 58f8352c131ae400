//! The global condition keys: what every service tells policies of a request (IAM User Guide, "AWS global condition context keys").

use std::borrow::Cow;

use keystead_policy::{ConditionKeys, ContextValue};

use super::{AccessRequest, Principal, PrincipalKind, Resource};
use crate::audit::iso8601;

/// The condition keys of a service's own: what the request has in it. `aws:RequestTag/...` and `aws:TagKeys` are among them.
pub type RequestConditionKeys<'a> = dyn ConditionKeys + Sync + 'a;

/// Of a request that has none.
#[derive(Clone, Copy, Debug)]
pub struct NoConditionKeys;

impl ConditionKeys for NoConditionKeys {
    fn value_of(&self, _: &str) -> Option<Cow<'_, ContextValue>> {
        None
    }
}

/// All condition keys of one request about one resource.
pub(super) struct AllConditionKeys<'a, T> {
    pub(super) request: &'a AccessRequest<'a>,
    pub(super) resource: &'a T,
    pub(super) reader: Reader,
}

/// Whose policies ask.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Reader {
    /// The identity's.
    Identity,
    /// The resource's own policy.
    Resource,
}

impl<T: Resource> ConditionKeys for AllConditionKeys<'_, T> {
    fn value_of(&self, key: &str) -> Option<Cow<'_, ContextValue>> {
        if let Some(value) = self.request.keys.value_of(key) {
            return Some(value);
        }
        if key == "aws:resourceaccount" {
            return Some(Cow::Owned(self.resource.owner().to_string().into()));
        }
        let of_resource = self.resource.condition_key(key).or_else(|| match self.reader {
            Reader::Identity => self.resource.condition_key_of_identities(key),
            Reader::Resource => None,
        });
        of_resource.or_else(|| global(self.request, key)).map(Cow::Owned)
    }
}

const PRINCIPAL_TAG: &str = "aws:principaltag/";

/// The value of a global key, in lower case, of the caller and of how its request came.
fn global(request: &AccessRequest<'_>, key: &str) -> Option<ContextValue> {
    let AccessRequest { principal, origin, .. } = request;
    if let Some(tag) = key.strip_prefix(PRINCIPAL_TAG) {
        return principal_tag(request, tag).map(ContextValue::from);
    }
    let session = principal.session.as_deref();
    let endpoint = origin.vpc_endpoint.as_deref();
    Some(match key {
        "aws:currenttime" => iso8601(request.now).into(),
        "aws:epochtime" => request.now.millis().div_euclid(1000).to_string().into(),
        "aws:principalarn" => principal_arn(principal)?.into(),
        "aws:principalaccount" => principal.account.to_string().into(),
        "aws:principaltype" => principal_type(principal)?.into(),
        "aws:userid" => principal.unique_id().into(),
        "aws:username" => user_name(principal)?.into(),
        "aws:sourceip" => origin.source_ip.as_str().into(),
        "aws:securetransport" => origin.tls.is_some().into(),
        "aws:useragent" => origin.user_agent.as_str().into(),
        "aws:requestedregion" => request.region.as_str().into(),
        "aws:sourcevpce" => endpoint?.vpc_endpoint_id.as_str().into(),
        "aws:sourcevpc" => endpoint?.vpc_id.as_str().into(),
        // The address as it is inside the VPC.
        "aws:vpcsourceip" => endpoint.map(|_| origin.source_ip.as_str())?.into(),
        "aws:tokenissuetime" => iso8601(session?.issued).into(),
        // Long-term credentials do not have the key at all.
        "aws:multifactorauthpresent" => session.map(|_| false)?.into(),
        "aws:sourceidentity" => session?.source_identity.as_deref()?.into(),
        "aws:federatedprovider" => session?.federated_provider.as_deref()?.into(),
        // No service calls on anybody's behalf here.
        "aws:viaawsservice" | "aws:principalisawsservice" => false.into(),
        _ => return None,
    })
}

/// A session tag, or a tag of the user or role. The names of tags are the same in upper and lower case here.
fn principal_tag<'a>(request: &'a AccessRequest<'_>, tag: &str) -> Option<&'a str> {
    let session = request.principal.session.as_deref().map(|session| &session.tags);
    let mut tags = session.into_iter().chain([&request.policies.tags]).flatten();
    tags.find(|(name, _)| name.eq_ignore_ascii_case(tag)).map(|(_, value)| value.as_str())
}

/// The ARN of the role where a session calls (IAM User Guide, `aws:PrincipalArn`).
fn principal_arn(principal: &Principal) -> Option<&str> {
    match &principal.kind {
        PrincipalKind::AssumedRole { role_arn, .. } => Some(role_arn),
        PrincipalKind::Root | PrincipalKind::User { .. } => Some(&principal.arn),
        PrincipalKind::WebIdentity { .. } => None,
    }
}

fn principal_type(principal: &Principal) -> Option<&'static str> {
    match &principal.kind {
        PrincipalKind::Root => Some("Account"),
        PrincipalKind::User { .. } => Some("User"),
        PrincipalKind::AssumedRole { .. } => Some("AssumedRole"),
        // It has no ARN and no kind that policies could know.
        PrincipalKind::WebIdentity { .. } => None,
    }
}

fn user_name(principal: &Principal) -> Option<&str> {
    match &principal.kind {
        PrincipalKind::User { user_name, .. } => Some(user_name),
        PrincipalKind::Root | PrincipalKind::AssumedRole { .. } | PrincipalKind::WebIdentity { .. } => None,
    }
}
