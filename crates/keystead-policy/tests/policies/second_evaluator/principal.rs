//! Of whom a statement speaks (IAM User Guide, "AWS JSON policy elements: Principal" and "NotPrincipal").

use std::collections::BTreeMap;

use keystead_policy::{Identity, PrincipalMatch};
use serde_json::Value;

use super::{Request, texts};

/// All ways in which the statement speaks of the identity; none if it does not.
pub(super) fn ways(statement: &Value, request: &Request<'_>) -> Vec<PrincipalMatch> {
    if let Some(element) = statement.get("Principal") {
        return named(element, statement["Effect"] == "Deny", request.identity, request.ids);
    }
    match statement.get("NotPrincipal") {
        // "The NotPrincipal element with a Deny effect will always deny any IAM principal that has a permissions boundary policy attached."
        Some(element) if is_exempt(element, request) && !request.has_boundary => Vec::new(),
        Some(_) => vec![PrincipalMatch::Anyone],
        // "The principal is implicitly the identity where the policy is attached."
        None => vec![PrincipalMatch::Itself],
    }
}

/// `in_doubt`: whether those are meant of whom nobody says it.
pub(super) fn named(
    element: &Value,
    in_doubt: bool,
    identity: &Identity,
    ids: &BTreeMap<String, String>,
) -> Vec<PrincipalMatch> {
    if element == "*" {
        return vec![PrincipalMatch::Anyone];
    }
    let mut ways = Vec::new();
    for name in texts(&element["AWS"]) {
        if is_somebody_else(&name, identity, ids) {
            continue;
        }
        // Nothing says whether those are meant here who come from an identity provider and have no account.
        if name == "*" && (in_doubt || identity.federated_provider.is_none()) {
            ways.push(PrincipalMatch::Anyone);
        } else if is_account(&name, identity) {
            ways.push(PrincipalMatch::Account);
        } else if identity.role_arn.as_ref() == Some(&name) {
            ways.push(PrincipalMatch::Role);
        } else if identity.federated_provider.is_none() && identity.arn == name {
            ways.push(PrincipalMatch::Itself);
        }
    }
    for name in texts(&element["Federated"]) {
        if identity.federated_provider.as_ref() == Some(&name) {
            ways.push(PrincipalMatch::Itself);
        }
    }
    ways
}

/// "You can use the account ARN (arn:aws:iam::account-ID:root), or a shortened form": "both delegate permissions to the account", its
/// root user among them. Who comes from an identity provider is of no account.
fn is_account(name: &str, identity: &Identity) -> bool {
    let account = &identity.account;
    let of_account = name == account || name == format!("arn:aws:iam::{account}:root");
    of_account && identity.federated_provider.is_none()
}

/// "The ARN is transformed to the principal's unique ID when the policy is saved": who has the name later is somebody else.
fn is_somebody_else(name: &str, identity: &Identity, ids: &BTreeMap<String, String>) -> bool {
    let of_account = name.ends_with(":root") || !name.contains(':');
    !of_account && ids.get(name).is_some_and(|id| identity.unique_id.as_ref() != Some(id))
}

/// Whether nothing that the identity is called is left out: its account, its role if it has one, and itself. "AWS might validate the
/// account first, then the role, and then the assumed-role user."
fn is_exempt(element: &Value, request: &Request<'_>) -> bool {
    let identity = request.identity;
    let ways = named(element, false, identity, request.ids);
    if ways.contains(&PrincipalMatch::Anyone) {
        return true;
    }
    if identity.federated_provider.is_some() {
        return ways.contains(&PrincipalMatch::Itself);
    }
    let account = ways.contains(&PrincipalMatch::Account);
    let role = identity.role_arn.is_none() || ways.contains(&PrincipalMatch::Role);
    let itself = identity.arn.ends_with(":root") || ways.contains(&PrincipalMatch::Itself);
    account && role && itself
}
