//! The CloudHSM V2 API (version 2017-04-28) as Rust types: requests, responses, enums, exceptions.
//!
//! As in [`crate::kms`]: one file for each family of resources, `<Op>Request` read from JSON that [`crate::validate`] has let through,
//! `<Op>Response` written with absent members left out.

mod backup;
mod cluster;
mod exception;
pub(crate) mod generated;
mod hsm;
mod tag;

#[cfg(test)]
mod member_tests;

pub use backup::*;
pub use cluster::*;
pub use exception::Exception;
pub use hsm::*;
pub use tag::*;

/// What `Filters` are: for each field the texts of which one must match.
pub type Filters = std::collections::BTreeMap<String, Vec<String>>;
