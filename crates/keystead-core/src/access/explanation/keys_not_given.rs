//! Condition keys whose values nobody knows but those who give them with the question.

use keystead_policy::ConditionKeys;

use crate::access::{Principal, PrincipalKind};

/// Keys that a request always has, and a question has only if it gives them: here they have a value nevertheless.
const OF_THE_REQUEST: [&str; 3] = ["aws:securetransport", "aws:sourceip", "aws:useragent"];

/// Keys, and what they begin with, that are looked up where the question does not give them: what is absent then is known to be absent.
const LOOKED_UP: [&str; 5] =
    ["aws:resource", "iam:resourcetag/", "kms:resourcealiases", "aws:username", "aws:principalarn"];

/// Keys that KMS never has here.
const NEVER_THERE: [&str; 2] = ["kms:viaservice", "kms:grantisforawsresource"];

const ENCRYPTION_CONTEXT_KEYS: &str = "kms:encryptioncontextkeys";

/// Whether what `key` (in lower case) has is unknown: the question gives (`given`) no value for it, and nothing else (`all`) tells one.
pub(super) fn is_not_given(
    key: &str,
    given: &dyn ConditionKeys,
    all: &dyn ConditionKeys,
    principal: &Principal,
) -> bool {
    if given.value_of(key).is_some() {
        return false;
    }
    if OF_THE_REQUEST.contains(&key) {
        return true;
    }
    let is_session = matches!(principal.kind, PrincipalKind::AssumedRole { .. });
    let looked_up = LOOKED_UP.iter().any(|known| key.starts_with(known));
    // A session may have tags of its own.
    let of_principal = key.starts_with("aws:principaltag/") && !is_session;
    if looked_up || of_principal || NEVER_THERE.contains(&key) {
        return false;
    }
    let value = all.value_of(key);
    match value {
        None => true,
        // The keys of an encryption context that was not given.
        Some(value) => key == ENCRYPTION_CONTEXT_KEYS && value.values().is_empty(),
    }
}
