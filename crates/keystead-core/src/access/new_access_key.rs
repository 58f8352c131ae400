//! New access keys, and the one time that their secrets are in clear.

use keystead_model::Timestamp;
use keystead_model::arn::AccountId;
use zeroize::Zeroizing;

use super::{AccessKey, AccessKeyStatus, UniqueIdKind, User, new_unique_id};
use crate::port::Entropy;
use crate::sealing::{RootKey, SealError, SealedRecord};

/// The alphabet of secret access keys: 64 characters of 6 random bits each.
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/// Length of a secret access key in characters: 240 random bits.
const SECRET_CHARACTERS: usize = 40;

/// A new access key, and its secret in clear for the one time that it is shown.
pub struct NewAccessKey {
    /// The access key, active.
    pub access_key: AccessKey,
    /// Its secret access key.
    pub secret: Zeroizing<String>,
}

/// Makes an access key for a user, or for the account's root user. It stops working at `expires`, if that is given.
pub fn new_access_key(
    account: AccountId,
    user: Option<&User>,
    created: Timestamp,
    expires: Option<Timestamp>,
    root_key: &RootKey,
    entropy: &dyn Entropy,
) -> Result<NewAccessKey, SealError> {
    let access_key_id = new_unique_id(UniqueIdKind::AccessKey, entropy);
    let secret = random_secret(entropy);
    let sealed_secret = root_key.seal(SealedRecord::SecretAccessKey(&access_key_id), secret.as_bytes(), entropy)?;
    let access_key = AccessKey {
        access_key_id,
        account,
        user_name: user.map(|user| user.user_name.clone()),
        user_id: user.map(|user| user.user_id.clone()),
        sealed_secret,
        status: AccessKeyStatus::Active,
        created,
        expires,
    };
    Ok(NewAccessKey { access_key, secret })
}

fn random_secret(entropy: &dyn Entropy) -> Zeroizing<String> {
    let mut random = Zeroizing::new([0; SECRET_CHARACTERS]);
    entropy.fill(&mut *random);
    // As long as the whole: a text that grew would leave its beginning behind.
    let mut secret = Zeroizing::new(String::with_capacity(SECRET_CHARACTERS));
    // The alphabet is a power of two long, so every character is equally likely.
    secret.extend(random.iter().map(|byte| char::from(BASE64[usize::from(*byte) % BASE64.len()])));
    secret
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::port::SystemEntropy;

    #[test]
    fn secrets_are_sealed_for_their_access_key() {
        let root_key = RootKey::new(&[1; 32]).unwrap();
        let account = AccountId::parse("111122223333").unwrap();
        let now = Timestamp::from_millis(1_000);
        let user = User::new(account, "/".to_owned(), "alice".to_owned(), "AIDAALICE".to_owned(), now);
        for user in [Some(&user), None] {
            let new = new_access_key(account, user, now, None, &root_key, &SystemEntropy).unwrap();
            assert_eq!(new.access_key.user_name.as_deref(), user.map(|user| user.user_name.as_str()));
            assert_eq!(new.access_key.user_id.as_deref(), user.map(|user| user.user_id.as_str()));
            assert_eq!((new.access_key.created, new.access_key.expires), (now, None));
            assert_eq!(new.secret.len(), SECRET_CHARACTERS);
            let record = SealedRecord::SecretAccessKey(&new.access_key.access_key_id);
            let opened = root_key.open(record, &new.access_key.sealed_secret).unwrap();
            assert_eq!(*opened, new.secret.as_bytes());
        }
    }
}
