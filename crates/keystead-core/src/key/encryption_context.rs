//! Encryption context: canonical bytes to authenticate, the same whatever the order of the pairs.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};

/// What a proxy must accept as additional authenticated data, in bytes (XKS Proxy API specification).
const PROXY_AAD_LENGTH_MAX: usize = 8192;

/// What PKCS #11 modules were seen to take as additional authenticated data, in bytes. PKCS #11 itself names no bound.
const HSM_AAD_LENGTH_MAX: usize = 8192;

/// The pairs sorted by key (a `BTreeMap` is), each text with its length before it; nothing for an empty context, so that empty and absent
/// are one.
pub fn canonical_encryption_context(context: &BTreeMap<String, String>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(context.iter().map(|(key, value)| key.len() + value.len() + 8).sum());
    for text in context.iter().flat_map(|(key, value)| [key, value]) {
        bytes.extend_from_slice(&(text.len() as u32).to_be_bytes());
        bytes.extend_from_slice(text.as_bytes());
    }
    bytes
}

/// The additional authenticated data of every layer: a domain tag, the header of the ciphertext blob, the canonical context.
fn aad(domain: &[u8], header: &[u8], context: &BTreeMap<String, String>) -> Vec<u8> {
    let mut aad = domain.to_vec();
    aad.extend_from_slice(header);
    aad.extend_from_slice(&canonical_encryption_context(context));
    aad
}

/// The outer layer's data: as [`aad`], or its SHA-256 where that is more than a proxy must accept.
pub fn outer_aad(header: &[u8], context: &BTreeMap<String, String>) -> Vec<u8> {
    bounded(aad(b"keystead/external/1", header, context), PROXY_AAD_LENGTH_MAX)
}

/// The data that the KMS key's own material authenticates.
pub fn inner_aad(header: &[u8], context: &BTreeMap<String, String>) -> Vec<u8> {
    aad(b"keystead/kms/1", header, context)
}

/// The data that a key in HSMs authenticates: as [`aad`], or its SHA-256 where that is more than every HSM takes.
pub fn hsm_aad(header: &[u8], context: &BTreeMap<String, String>) -> Vec<u8> {
    bounded(aad(b"keystead/hsm/1", header, context), HSM_AAD_LENGTH_MAX)
}

fn bounded(aad: Vec<u8>, length_max: usize) -> Vec<u8> {
    if aad.len() > length_max { digest(&SHA256, &aad).as_ref().to_vec() } else { aad }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn order_does_not_matter_and_borders_do() {
        let canonical = |pairs: &[(&str, &str)]| canonical_encryption_context(&context(pairs));
        assert_eq!(canonical(&[("a", "1"), ("b", "2")]), canonical(&[("b", "2"), ("a", "1")]));
        assert_ne!(canonical(&[("a", "b"), ("c", "d")]), canonical(&[("a", "bc"), ("d", "")]));
        assert_ne!(canonical(&[("A", "1")]), canonical(&[("a", "1")]));
        assert!(canonical(&[]).is_empty());
    }

    #[test]
    fn a_long_context_is_hashed_for_proxies_and_hsms() {
        let long = context(&[("k", &"v".repeat(9000))]);
        assert_eq!(outer_aad(b"header", &long).len(), 32);
        assert_ne!(outer_aad(b"header", &long), outer_aad(b"other", &long));
        assert!(inner_aad(b"header", &long).len() > 9000);
        assert_eq!(hsm_aad(b"header", &long).len(), 32);
        assert_ne!(hsm_aad(b"header", &long), outer_aad(b"header", &long));
    }
}
