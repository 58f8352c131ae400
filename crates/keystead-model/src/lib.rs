//! Wire shapes of the KMS and CloudHSM APIs (AWS JSON 1.1): requests, responses, exceptions, identifiers and constraints.
//!
//! Data only: this crate parses, checks and prints. It has no I/O, no clock and no randomness.
//!
//! - [`shape`]: every operation's members and constraints as data, generated from Amazon's model;
//! - [`validate`]: checks a JSON document against them and words the error as AWS does;
//! - [`kms`] and [`cloudhsm`]: requests, responses, enums and exceptions as Rust types;
//! - [`arn`]: key ids, ARNs, aliases, accounts, Regions;
//! - [`operation`]: facts about operations that are not in the model.

pub mod arn;
mod blob;
pub mod cloudhsm;
mod exception_table;
mod integer;
pub mod kms;
pub mod operation;
mod secret_string;
pub mod shape;
mod timestamp;
pub mod validate;
mod wire_enum;

pub use blob::Blob;
pub use secret_string::SecretString;
pub use timestamp::Timestamp;
