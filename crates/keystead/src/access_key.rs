//! New accounts, users and access keys: their identifiers, and the sealing of their secrets.

use keystead_core::access::{self, NewAccessKey, UniqueIdKind, User, new_unique_id};
use keystead_core::port::{Clock, Entropy, SystemClock, SystemEntropy};
use keystead_core::sealing::{RootKey, SealError};
use keystead_model::arn::AccountId;
use zeroize::Zeroizing;

/// The alphabet of passwords.
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// Length of a password that nobody has to type: 120 random bits.
const PASSWORD_LENGTH: usize = 24;

fn random_text(length: usize, alphabet: &[u8]) -> Zeroizing<String> {
    let mut random = Zeroizing::new(vec![0u8; length]);
    SystemEntropy.fill(&mut random);
    // Both alphabets are powers of two long, so every character is equally likely.
    Zeroizing::new(random.iter().map(|byte| char::from(alphabet[usize::from(*byte) % alphabet.len()])).collect())
}

/// A new random password of letters and digits, as the users of HSMs must have.
pub(crate) fn random_password() -> Zeroizing<String> {
    random_text(PASSWORD_LENGTH, BASE32)
}

/// A new random account ID.
pub(crate) fn random_account_id() -> AccountId {
    loop {
        let digits = random_text(12, b"01234567");
        // Twelve octal digits are an account ID always; the loop is for the compiler.
        if let Some(id) = AccountId::parse(&digits) {
            return id;
        }
    }
}

/// The managed policy of administrators.
pub(crate) const ADMINISTRATOR_ACCESS: &str = "arn:aws:iam::aws:policy/AdministratorAccess";

/// A new user without policies: it may do nothing.
pub(crate) fn new_user(account: AccountId, user_name: &str) -> User {
    User::new(
        account,
        "/".to_owned(),
        user_name.to_owned(),
        new_unique_id(UniqueIdKind::User, &SystemEntropy),
        SystemClock.now(),
    )
}

/// A new user that may do everything in its account.
pub(crate) fn new_administrator(account: AccountId, user_name: &str) -> User {
    let mut user = new_user(account, user_name);
    user.policies.managed.insert(ADMINISTRATOR_ACCESS.to_owned());
    user
}

/// Makes an access key for a user, or for the account's root user.
pub(crate) fn new_access_key(
    account: AccountId,
    user: Option<&User>,
    expires_in_seconds: Option<u32>,
    root_key: &RootKey,
) -> Result<NewAccessKey, SealError> {
    let created = SystemClock.now();
    let expires = expires_in_seconds.map(|seconds| created.plus_millis(i64::from(seconds) * 1000));
    access::new_access_key(account, user, created, expires, root_key, &SystemEntropy)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use keystead_core::access::AwsManagedPolicy;

    use super::*;

    #[test]
    fn new_access_keys_expire_when_they_are_to() {
        let root_key = RootKey::new(&[1; 32]).unwrap();
        let account = random_account_id();
        let user = new_user(account, "alice");
        assert!(user.user_id.starts_with("AIDA") && user.policies.is_empty());
        let new = new_access_key(account, Some(&user), Some(60), &root_key).unwrap();
        let lifetime_ms = new.access_key.expires.unwrap().millis() - new.access_key.created.millis();
        assert_eq!(lifetime_ms, 60_000);
        assert_eq!(new_access_key(account, None, None, &root_key).unwrap().access_key.expires, None);
    }

    #[test]
    fn administrators_have_the_managed_policy_of_that_name() {
        let policies = new_administrator(random_account_id(), "alice").policies;
        assert!(policies.inline.is_empty());
        let names: Vec<_> = policies.managed.iter().map(|arn| AwsManagedPolicy::of_arn(arn).unwrap().name).collect();
        assert_eq!(names, ["AdministratorAccess"]);
    }
}
