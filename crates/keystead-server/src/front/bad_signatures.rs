//! Signatures that did not match a moment ago, so that who sends the same again costs a look-up, and its body is not read.
//!
//! A signature that does not match one head may match another, and what is remembered is therefore the whole head. The body it is that may
//! differ then: a client that has it right the second time signs anew, or says in its head that this is another attempt.

use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::{Arc, Weak};

use http::request::Parts;
use keystead_core::access::Credential;
use quick_cache::sync::Cache;

/// How many are remembered at most; the least used go first.
const CAPACITY: usize = 4096;
/// For how long.
const REMEMBERED_MS: u64 = 5000;

/// See the module's text. No success is ever remembered.
pub(super) struct BadSignatures {
    entries: Cache<[u8; 32], BadSignature>,
    hasher: RandomState,
}

#[derive(Clone)]
struct BadSignature {
    /// Whose it was said to be. The catalog gives another `Arc` when anything about the credential changed: then it is checked anew.
    credential: Weak<Credential>,
    head_hash: u64,
    until_ms: u64,
}

impl BadSignatures {
    pub(super) fn new() -> Self {
        Self { entries: Cache::new(CAPACITY), hasher: RandomState::new() }
    }

    /// Whether `signature`, said to be by `credential`, was bad under this head. `now_ms` is [`keystead_core::port::Clock::monotonic_ms`].
    pub(super) fn holds(&self, signature: &[u8; 32], credential: &Arc<Credential>, head: &Parts, now_ms: u64) -> bool {
        let Some(bad) = self.entries.get(signature) else { return false };
        std::ptr::eq(bad.credential.as_ptr(), Arc::as_ptr(credential))
            && now_ms < bad.until_ms
            && bad.head_hash == self.hash(head)
    }

    /// Remembers that it is bad.
    pub(super) fn add(&self, signature: &[u8; 32], credential: &Arc<Credential>, head: &Parts, now_ms: u64) {
        let bad = BadSignature {
            credential: Arc::downgrade(credential),
            head_hash: self.hash(head),
            until_ms: now_ms.saturating_add(REMEMBERED_MS),
        };
        self.entries.insert(*signature, bad);
    }

    /// Keyed by a random number: nobody can choose two heads of one hash.
    fn hash(&self, head: &Parts) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        (&head.method, &head.uri).hash(&mut hasher);
        for (name, value) in &head.headers {
            (name.as_str(), value.as_bytes()).hash(&mut hasher);
        }
        hasher.finish()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use keystead_core::access::{AccessKeyStatus, Principal};
    use keystead_model::SecretString;
    use keystead_model::arn::AccountId;

    use super::*;

    const SIGNATURE: [u8; 32] = [1; 32];

    fn credential() -> Arc<Credential> {
        Arc::new(Credential {
            access_key_id: "AKIAEXAMPLEEXAMPLE22".into(),
            secret_access_key: SecretString::from("hush".to_owned()),
            principal: Arc::new(Principal::root(AccountId::parse("111122223333").unwrap())),
            status: AccessKeyStatus::Active,
            expires: None,
        })
    }

    fn head(uri: &str, attempt: &str) -> Parts {
        let request = http::Request::builder().uri(uri).header("amz-sdk-request", attempt);
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn the_same_head_is_bad_for_a_while() {
        let (bad, credential, first) = (BadSignatures::new(), credential(), head("/", "attempt=1"));
        assert!(!bad.holds(&SIGNATURE, &credential, &first, 0));
        bad.add(&SIGNATURE, &credential, &first, 0);
        assert!(bad.holds(&SIGNATURE, &credential, &first, 0));
        assert!(bad.holds(&SIGNATURE, &credential, &head("/", "attempt=1"), REMEMBERED_MS - 1));
        assert!(!bad.holds(&SIGNATURE, &credential, &first, REMEMBERED_MS));
    }

    #[test]
    fn anything_else_is_checked_anew() {
        let (bad, credential_of_it) = (BadSignatures::new(), credential());
        bad.add(&SIGNATURE, &credential_of_it, &head("/", "attempt=1"), 0);
        assert!(!bad.holds(&[2; 32], &credential_of_it, &head("/", "attempt=1"), 1));
        assert!(!bad.holds(&SIGNATURE, &credential(), &head("/", "attempt=1"), 1), "the credential has changed");
        assert!(!bad.holds(&SIGNATURE, &credential_of_it, &head("/", "attempt=2"), 1));
        assert!(!bad.holds(&SIGNATURE, &credential_of_it, &head("/?a=1", "attempt=1"), 1));
    }

    #[test]
    fn they_are_bounded() {
        let (bad, credential, head) = (BadSignatures::new(), credential(), head("/", "attempt=1"));
        for number in 0..2 * CAPACITY as u64 {
            let mut signature = [0; 32];
            signature[..8].copy_from_slice(&number.to_le_bytes());
            bad.add(&signature, &credential, &head, 0);
        }
        assert!(bad.entries.len() <= CAPACITY);
    }

    #[test]
    fn what_is_remembered_does_not_keep_the_secret() {
        let (bad, credential) = (BadSignatures::new(), credential());
        bad.add(&SIGNATURE, &credential, &head("/", "attempt=1"), 0);
        assert!(Arc::into_inner(credential).is_some());
    }
}
