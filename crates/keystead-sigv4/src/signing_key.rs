//! The key that signs: derived from a secret for one scope.

use std::fmt;

use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use crate::access_key::SecretAccessKey;
use crate::credential_scope::{CredentialScope, TERMINATOR};
use crate::hex;

/// Derived key for one secret, date, Region and service: 32 bytes, worth caching until the day is over.
///
/// Held as the keyed HMAC state, which the cryptographic library zeroes on drop; `Debug` hides it.
#[derive(Clone)]
pub struct SigningKey(hmac::Key);

impl SigningKey {
    /// The signing key of `secret` within `scope`: HMAC-SHA256 over date, Region, service and `aws4_request` in turn.
    pub fn derive(secret: &SecretAccessKey, scope: &CredentialScope) -> Self {
        let mut initial = Zeroizing::new(Vec::with_capacity(4 + secret.expose().len()));
        initial.extend_from_slice(b"AWS4");
        initial.extend_from_slice(secret.expose().as_bytes());
        let date_key = mac(&initial, &scope.date);
        let region_key = mac(&*date_key, &scope.region);
        let service_key = mac(&*region_key, &scope.service);
        Self(hmac_key(&*mac(&*service_key, TERMINATOR)))
    }

    /// The signature of `string_to_sign`, 64 lower-case hexadecimal digits.
    pub(crate) fn signature_hex(&self, string_to_sign: &str) -> String {
        hex::encode(hmac::sign(&self.0, string_to_sign.as_bytes()).as_ref())
    }

    /// Whether `signature` is that of `string_to_sign`; takes the same time whichever byte differs.
    pub(crate) fn is_signature(&self, string_to_sign: &str, signature: &[u8; 32]) -> bool {
        hmac::verify(&self.0, string_to_sign.as_bytes(), signature).is_ok()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(..)")
    }
}

fn hmac_key(bytes: &[u8]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, bytes)
}

fn mac(key: &[u8], data: &str) -> Zeroizing<[u8; 32]> {
    let mut out = Zeroizing::new([0; 32]);
    let written = hmac::sign_to_buffer(&hmac_key(key), data.as_bytes(), &mut *out).is_ok();
    // No input can make it fail: the buffer has the length of the code. Going on with zeros would be a key anyone can guess.
    assert!(written, "HMAC-SHA256 did not fill its 32 bytes");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope() -> CredentialScope {
        CredentialScope { date: "20120215".into(), region: "us-east-1".into(), service: "iam".into() }
    }

    /// AWS General Reference, "Examples of how to derive a signing key for Signature Version 4".
    #[test]
    fn derives_the_documented_key() {
        let secret = b"AWS4wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
        let key = ["20120215", "us-east-1", "iam", "aws4_request"]
            .iter()
            .fold(secret.to_vec(), |key, element| mac(&key, element).to_vec());
        assert_eq!(hex::encode(&key), "f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d");

        let derived = SigningKey::derive(&SecretAccessKey::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), &scope());
        assert_eq!(derived.signature_hex("text"), SigningKey(hmac_key(&key)).signature_hex("text"));
    }

    #[test]
    fn every_element_of_the_scope_counts() {
        let secret = SecretAccessKey::new("hush");
        let signature = SigningKey::derive(&secret, &scope()).signature_hex("text");
        let others = [
            CredentialScope { date: "20120216".into(), ..scope() },
            CredentialScope { region: "us-east-2".into(), ..scope() },
            CredentialScope { service: "kms".into(), ..scope() },
        ];
        for other in others {
            assert_ne!(SigningKey::derive(&secret, &other).signature_hex("text"), signature, "{other}");
        }
        assert_ne!(SigningKey::derive(&SecretAccessKey::new("husk"), &scope()).signature_hex("text"), signature);
    }

    #[test]
    fn debug_hides_the_key() {
        assert_eq!(format!("{:?}", SigningKey::derive(&SecretAccessKey::new("hush"), &scope())), "SigningKey(..)");
    }
}
