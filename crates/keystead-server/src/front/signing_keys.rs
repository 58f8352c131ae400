//! Signing keys derived already: one for each service and access key, that of the day it was last used on.

use std::sync::{Arc, Weak};

use keystead_core::access::Credential;
use keystead_sigv4::{CredentialScope, SecretAccessKey, SigningKey};
use quick_cache::sync::Cache;

use super::service::Service;

/// How many access keys are held at most for a service; the least used go first.
const CAPACITY: usize = 4096;

/// For each service a bounded cache by access key ID.
pub(super) struct SigningKeys([Cache<String, Arc<Derived>>; Service::COUNT]);

struct Derived {
    /// What it was derived from. The catalog gives another `Arc` when anything about the credential changed; weak, so that a deleted
    /// secret does not stay in memory for the sake of this cache.
    credential: Weak<Credential>,
    scope: CredentialScope,
    key: Arc<SigningKey>,
}

impl SigningKeys {
    pub(super) fn new() -> Self {
        Self(std::array::from_fn(|_| Cache::new(CAPACITY)))
    }

    /// The signing key of `credential` for the day of `scope`, whose Region and service the caller has checked.
    pub(super) fn get(
        &self,
        service: Service,
        credential: &Arc<Credential>,
        scope: &CredentialScope,
    ) -> Arc<SigningKey> {
        let cache = &self.0[service as usize];
        if let Some(derived) = cache.get(credential.access_key_id.as_str()) {
            let same = std::ptr::eq(derived.credential.as_ptr(), Arc::as_ptr(credential));
            if same && derived.scope == *scope {
                return derived.key.clone();
            }
        }
        let secret = SecretAccessKey::new(credential.secret_access_key.expose());
        let key = Arc::new(SigningKey::derive(&secret, scope));
        let derived = Derived { credential: Arc::downgrade(credential), scope: scope.clone(), key: key.clone() };
        cache.insert(credential.access_key_id.clone(), Arc::new(derived));
        key
    }

    /// The access key is gone.
    pub(super) fn forget(&self, access_key_id: &str) {
        for cache in &self.0 {
            cache.remove(access_key_id);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use keystead_core::access::{AccessKeyStatus, Principal};
    use keystead_model::SecretString;
    use keystead_model::arn::AccountId;

    use super::*;

    fn credential(secret: &str) -> Arc<Credential> {
        let account = AccountId::parse("111122223333").unwrap();
        Arc::new(Credential {
            access_key_id: "AKIAEXAMPLEEXAMPLE22".into(),
            secret_access_key: SecretString::from(secret.to_owned()),
            principal: Arc::new(Principal::root(account)),
            status: AccessKeyStatus::Active,
            expires: None,
        })
    }

    fn scope(date: &str) -> CredentialScope {
        CredentialScope { date: date.into(), region: "us-east-1".into(), service: "kms".into() }
    }

    #[test]
    fn derives_once_for_a_credential_and_day() {
        let (keys, credential) = (SigningKeys::new(), credential("hush"));
        let first = keys.get(Service::Kms, &credential, &scope("20260102"));
        assert!(Arc::ptr_eq(&first, &keys.get(Service::Kms, &credential, &scope("20260102"))));
        assert!(!Arc::ptr_eq(&first, &keys.get(Service::Kms, &credential, &scope("20260103"))));
    }

    #[test]
    fn a_changed_or_forgotten_credential_derives_anew() {
        let keys = SigningKeys::new();
        let (before, after) = (credential("hush"), credential("husk"));
        let first = keys.get(Service::Kms, &before, &scope("20260102"));
        assert!(!Arc::ptr_eq(&first, &keys.get(Service::Kms, &after, &scope("20260102"))));
        let second = keys.get(Service::Kms, &after, &scope("20260102"));
        keys.forget("AKIAEXAMPLEEXAMPLE22");
        assert!(!Arc::ptr_eq(&second, &keys.get(Service::Kms, &after, &scope("20260102"))));
    }

    #[test]
    fn services_do_not_share_keys_nor_drive_each_others_out() {
        let (keys, credential) = (SigningKeys::new(), credential("hush"));
        let of = |service: &str| CredentialScope { service: service.into(), ..scope("20260102") };
        let kms = keys.get(Service::Kms, &credential, &of("kms"));
        let ec2 = keys.get(Service::Ec2, &credential, &of("ec2"));
        assert!(!Arc::ptr_eq(&kms, &ec2));
        assert!(Arc::ptr_eq(&kms, &keys.get(Service::Kms, &credential, &of("kms"))));
        assert!(Arc::ptr_eq(&ec2, &keys.get(Service::Ec2, &credential, &of("ec2"))));
        // Not even a caller that mistakes the service gets a key of another scope.
        assert!(!Arc::ptr_eq(&kms, &keys.get(Service::Kms, &credential, &of("ec2"))));
    }

    #[test]
    fn a_cached_key_does_not_keep_the_secret() {
        let (keys, credential) = (SigningKeys::new(), credential("hush"));
        keys.get(Service::Kms, &credential, &scope("20260102"));
        assert!(Arc::into_inner(credential).is_some());
    }
}
