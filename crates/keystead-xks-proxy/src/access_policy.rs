//! A prefix's authorization policy: who may use which external key. GetHealthStatus is outside it.

use std::collections::HashSet;

use keystead_xks::wire::ExternalKeyId;

use crate::refusal::Refusal;

/// The rules of one prefix. An empty policy allows everything.
pub(crate) struct AccessPolicy {
    /// If there are any, no other key may be used.
    allowed_keys: HashSet<ExternalKeyId>,
    /// ARNs; a trailing `*` stands for any rest.
    denied_principals: Vec<String>,
}

impl AccessPolicy {
    pub(crate) fn new(allowed_keys: &[ExternalKeyId], denied_principals: &[String]) -> Self {
        Self { allowed_keys: allowed_keys.iter().cloned().collect(), denied_principals: denied_principals.to_vec() }
    }

    /// Fails with AccessDeniedException if a rule is against it.
    pub(crate) fn check(&self, key: &ExternalKeyId, principal_arn: &str) -> Result<(), Refusal> {
        if !self.allowed_keys.is_empty() && !self.allowed_keys.contains(key) {
            return Err(Refusal::access_denied("this URI path prefix is not allowed to use this external key"));
        }
        if self.denied_principals.iter().any(|p| matches(p, principal_arn)) {
            return Err(Refusal::access_denied(
                "the principal of requestMetadata.awsPrincipalArn is denied by this proxy",
            ));
        }
        Ok(())
    }
}

fn matches(pattern: &str, arn: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => arn.starts_with(start),
        None => arn == pattern,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_principals() {
        let alice = "arn:aws:iam::111122223333:user/Alice";
        let table: [(&[&str], &[&str], &str, bool); 7] = [
            // allowed keys, denied principals, principal, allowed
            (&[], &[], alice, true),
            (&["key"], &[], alice, true),
            (&["other"], &[], alice, false),
            (&[], &[alice], alice, false),
            (&[], &["arn:aws:iam::111122223333:user/A*"], alice, false),
            (&[], &["arn:aws:iam::111122223333:user/A"], alice, true),
            (&["key"], &["*"], alice, false),
        ];
        let key = ExternalKeyId::new("key").unwrap();
        for (keys, principals, principal, allowed) in table {
            let keys: Vec<_> = keys.iter().map(|k| ExternalKeyId::new(*k).unwrap()).collect();
            let principals: Vec<_> = principals.iter().map(|p| (*p).to_owned()).collect();
            let policy = AccessPolicy::new(&keys, &principals);
            let found = policy.check(&key, principal).is_ok();
            assert_eq!(found, allowed, "{keys:?} {principals:?}");
        }
    }
}
