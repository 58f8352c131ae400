//! The cryptography of every KMS key spec: key pairs, HMAC keys, and the keys that wrap imported key material.
//!
//! Bytes in, bytes out: no I/O, no async, no store. [`key_spec`] has the documented table of key specs, usages and algorithms as data.
//! Symmetric encryption keys are not here: their ciphertext format belongs to the core.
//!
//! Everything is aws-lc's but two things that aws-lc-rs has no safe call for: Ed25519ph (`ed25519-dalek`) and ML-DSA over an external mu
//! (`ml-dsa`). The `der`, `pkcs8` and `spki` crates read formats alone.
//!
//! Secrets are zeroed on drop and have no `Debug`. No decision takes a time that depends on a secret, and all failures of a decryption or
//! an unwrap are one.

mod agreement;
mod algorithm_identifier;
mod encryption;
mod error;
mod family;
mod hmac_key;
mod key_pair;
pub mod key_spec;
mod public_key;
mod signing;
mod wrapping;

pub use agreement::AgreementError;
pub use encryption::{DecryptionError, EncryptionError, max_plaintext_bytes};
pub use error::{CryptographyError, InvalidPrivateKey, InvalidPublicKey};
pub use hmac_key::{HmacKey, InvalidHmacKey, hmac_key_bytes, hmac_key_bytes_allowed};
pub use key_pair::KeyPair;
pub use public_key::PublicKey;
pub use signing::{Message, SignatureError, signing_digest_bytes};
pub use wrapping::{UnwrapError, WrappingAlgorithm, WrappingKey, WrappingKeySpec};
