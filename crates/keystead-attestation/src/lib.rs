//! Attestation documents of AWS Nitro Enclaves and NitroTPM: verified, and answers encrypted for the attested key. Sans-IO.
//!
//! A KMS request with `Recipient` carries such a document. [`verify`] takes its bytes, the root certificates that the operator
//! trusts, and the time; what comes out is an [`Attestation`], which nothing else can make. Its [`Attestation::envelop`] turns a
//! plaintext into the `CiphertextForRecipient` of the answer, which only the holder of the attested private key can read.
//!
//! Nothing here opens a socket or a file, or reads a clock.
//!
//! Source: Nitro Enclaves User Guide, "Verifying the root of trust"; EC2 User Guide, "Validate a NitroTPM Attestation Document";
//! RFC 8949 (CBOR), RFC 9052 (COSE), RFC 5280 (certificates), RFC 5652 (CMS).

mod attestation;
mod cbor_items;
mod certificate_chain;
mod cose_sign1;
mod document;
mod enveloped_data;
mod error;
mod recipient_key;
mod registers;
mod roots;

pub use attestation::{AGE_MS_MAX, Attestation, DOCUMENT_BYTES_MAX, SKEW_MS_MAX, verify};
pub use error::{AttestationError, ChainFault, EnvelopError, RootsError};
pub use registers::Registers;
pub use roots::AttestationRoots;
