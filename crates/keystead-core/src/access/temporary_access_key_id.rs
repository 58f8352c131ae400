//! Access key IDs of temporary credentials.
//!
//! They have the account in them, as those of AWS: `ASIA`, then 80 bits in Base32, of which the bits from the second to the 41st are the
//! account ID and the others are random. So GetAccessKeyInfo can answer although the credentials rest nowhere.

use keystead_model::arn::AccountId;

use crate::port::Entropy;

const PREFIX: &str = "ASIA";
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// Bits of one character.
const CHARACTER_BITS: u32 = 5;
const CHARACTERS: u32 = 16;
/// How many random bits follow the account.
const ACCOUNT_SHIFT: u32 = CHARACTERS * CHARACTER_BITS - 41;
const ACCOUNT_MASK: u128 = (1 << 40) - 1;

/// A new one.
pub(super) fn temporary_access_key_id(account: &AccountId, entropy: &dyn Entropy) -> String {
    let mut random = [0; 16];
    entropy.fill(&mut random);
    // Twelve decimal digits fit into 40 bits.
    let account: u128 = account.as_str().parse().unwrap_or_default();
    let bits = u128::from_be_bytes(random) & !(ACCOUNT_MASK << ACCOUNT_SHIFT) | account << ACCOUNT_SHIFT;
    let characters = (0..CHARACTERS).rev().map(|index| {
        let value = (bits >> (index * CHARACTER_BITS)) & 0x1F;
        char::from(ALPHABET[value as usize])
    });
    PREFIX.chars().chain(characters).collect()
}

/// The account in the access key ID of temporary credentials; `None` for any other text. Nothing shows that the ID was ever given.
pub fn account_of_temporary_access_key_id(access_key_id: &str) -> Option<AccountId> {
    let characters = access_key_id.strip_prefix(PREFIX)?.as_bytes();
    if characters.len() != CHARACTERS as usize {
        return None;
    }
    let bits = characters.iter().try_fold(0u128, |bits, character| {
        let value = ALPHABET.iter().position(|of_alphabet| of_alphabet == character)?;
        Some(bits << CHARACTER_BITS | value as u128)
    })?;
    AccountId::parse(&format!("{:012}", (bits >> ACCOUNT_SHIFT) & ACCOUNT_MASK))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::port::SystemEntropy;

    #[test]
    fn an_id_has_its_account_in_it() {
        for account in ["111122223333", "000000000001", "999999999999"] {
            let account = AccountId::parse(account).unwrap();
            let id = temporary_access_key_id(&account, &SystemEntropy);
            assert_eq!(id.len(), 20);
            assert_eq!(account_of_temporary_access_key_id(&id), Some(account), "{id}");
            assert_ne!(id, temporary_access_key_id(&account, &SystemEntropy));
        }
    }

    /// The example of the IAM User Guide ("IAM identifiers") is of no account that is told; this one is computed by hand from the layout.
    #[test]
    fn the_layout_to_the_letter() {
        // Account 1 in bits 2 to 41: the 41st bit is the first of the ninth character.
        assert_eq!(account_of_temporary_access_key_id("ASIAAAAAAAAAQAAAAAAA").unwrap().as_str(), "000000000001");
        for other in ["", "ASIA", "AKIAAAAAAAAAQAAAAAAA", "ASIAAAAAAAAAQAAAAAA", "ASIAAAAAAAAAQAAAAAA1"] {
            assert_eq!(account_of_temporary_access_key_id(other), None, "{other}");
        }
        // More than twelve digits.
        assert_eq!(account_of_temporary_access_key_id("ASIA7777777777777777"), None);
    }
}
