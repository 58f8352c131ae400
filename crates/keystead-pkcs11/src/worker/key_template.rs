//! The attributes that new keys get.
//!
//! Source: CloudHSM key stores digest 3.2.

use cryptoki::object::{Attribute, KeyType, ObjectClass};

const AES_KEY_BYTES: u64 = 32;

/// What a key is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Key material of a KMS key.
    Encryption,
    /// The masking key.
    Masking,
}

/// Identity and purpose of a 256-bit AES key: for a key that is unwrapped, which has its length already.
pub(crate) fn aes_key(id: &[u8], label: &str, purpose: Purpose, extractable: bool) -> Vec<Attribute> {
    let encrypts = purpose == Purpose::Encryption;
    vec![
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::AES),
        Attribute::Id(id.to_vec()),
        Attribute::Label(label.as_bytes().to_vec()),
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(extractable),
        Attribute::Encrypt(encrypts),
        Attribute::Decrypt(encrypts),
        Attribute::Wrap(!encrypts),
        Attribute::Unwrap(!encrypts),
        Attribute::Sign(false),
        Attribute::Verify(false),
        Attribute::Derive(false),
    ]
}

/// The same for a key that is generated.
pub(crate) fn new_aes_key(id: &[u8], label: &str, purpose: Purpose, extractable: bool) -> Vec<Attribute> {
    let mut template = aes_key(id, label, purpose, extractable);
    template.push(Attribute::ValueLen(AES_KEY_BYTES.into()));
    template
}

/// The public half of a transport key that is generated.
pub(crate) fn transport_public_key() -> Vec<Attribute> {
    vec![
        Attribute::Token(false),
        Attribute::Private(false),
        Attribute::ModulusBits(2048.into()),
        Attribute::PublicExponent(vec![1, 0, 1]),
        Attribute::Wrap(true),
    ]
}

/// The private half. It is an object of the session: it never reaches the token's storage, and ends with the worker.
pub(crate) fn transport_private_key() -> Vec<Attribute> {
    vec![
        Attribute::Token(false),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Unwrap(true),
    ]
}

/// The public half of another HSM's transport key.
pub(crate) fn foreign_transport_key(modulus: &[u8], public_exponent: &[u8]) -> Vec<Attribute> {
    vec![
        Attribute::Class(ObjectClass::PUBLIC_KEY),
        Attribute::KeyType(KeyType::RSA),
        Attribute::Token(false),
        Attribute::Private(false),
        Attribute::Modulus(modulus.to_vec()),
        Attribute::PublicExponent(public_exponent.to_vec()),
        Attribute::Encrypt(true),
        Attribute::Wrap(true),
    ]
}
