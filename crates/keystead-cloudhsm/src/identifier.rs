//! IDs of clusters, HSMs and backups.

use keystead_core::port::Entropy;

/// The characters of an ID after its prefix: lower-case base32 (digest 5.1).
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// How many of them an ID has; the model allows 11 to 16.
const LENGTH: usize = 11;
/// The characters of a first password.
const ALPHANUMERIC: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// The greatest multiple of 62 in a byte: bytes from here on would make some characters likelier than others.
const UNBIASED_BELOW: u8 = 248;
/// How long a first password is, in characters: 142 bits of chance.
const PASSWORD_LENGTH: usize = 24;

/// `PREFIX-` and 11 random characters: 55 bits of chance.
pub(crate) fn new_id(prefix: &str, entropy: &dyn Entropy) -> String {
    let mut random = [0u8; LENGTH];
    entropy.fill(&mut random);
    let characters = random.iter().filter_map(|byte| ALPHABET.get(usize::from(byte % 32)));
    format!("{prefix}-{}", characters.map(|byte| char::from(*byte)).collect::<String>())
}

/// A random password: 24 letters and digits.
pub(crate) fn new_password(entropy: &dyn Entropy) -> zeroize::Zeroizing<String> {
    let mut password = zeroize::Zeroizing::new(String::with_capacity(PASSWORD_LENGTH));
    while password.len() < PASSWORD_LENGTH {
        let mut random = zeroize::Zeroizing::new([0u8; 1]);
        entropy.fill(random.as_mut_slice());
        if random[0] < UNBIASED_BELOW {
            let character = ALPHANUMERIC.get(usize::from(random[0]) % ALPHANUMERIC.len());
            password.extend(character.map(|byte| char::from(*byte)));
        }
    }
    password
}

#[cfg(test)]
mod tests {
    use super::*;
    use keystead_core::port::SystemEntropy;
    use keystead_model::shape::{Shape, cloudhsm_operation};

    #[test]
    fn ids_satisfy_the_model() {
        let shape = |operation: &str, member: &str| -> Option<&'static Shape> {
            Some(cloudhsm_operation(operation)?.input.member(member)?.shape)
        };
        let table = [
            ("cluster", "DeleteHsm", "ClusterId"),
            ("hsm", "DeleteHsm", "HsmId"),
            ("backup", "DeleteBackup", "BackupId"),
        ];
        for (prefix, operation, member) in table {
            let id = new_id(prefix, &SystemEntropy);
            assert!(shape(operation, member).is_some_and(|shape| shape.accepts_str(&id)), "{id}");
            assert_ne!(id, new_id(prefix, &SystemEntropy));
        }
    }

    #[test]
    fn passwords_satisfy_the_rules_of_hsm_users() {
        let password = new_password(&SystemEntropy);
        assert_eq!(password.len(), PASSWORD_LENGTH);
        assert!(password.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert_ne!(password, new_password(&SystemEntropy));
    }
}
