//! The KMS API (version 2014-11-01) as Rust types: requests, responses, enums, exceptions.
//!
//! One file for each family of resources. `<Op>Request` is read from JSON that [`crate::validate`] has let through;
//! `<Op>Response` is written with absent members left out. An operation without `<Op>Response` answers with no body or
//! with `{}` ([`crate::operation::success_body`]); `ListRetirableGrants` answers with a [`ListGrantsResponse`]. Fields are
//! the members' names in snake case.

use std::fmt;

mod alias;
mod crypto;
mod custom_key_store;
mod data_key_pair;
mod exception;
pub(crate) mod generated;
mod grant;
mod imported_key_material;
mod key;
mod key_agreement;
mod key_last_usage;
mod key_policy;
mod mac;
mod multi_region;
mod public_key;
mod random;
mod recipient;
mod rotation;
mod signature;
mod tag;

#[cfg(test)]
mod member_tests;

pub use alias::*;
pub use crypto::*;
pub use custom_key_store::*;
pub use data_key_pair::*;
pub use exception::Exception;
pub use grant::*;
pub use imported_key_material::*;
pub use key::*;
pub use key_agreement::*;
pub use key_last_usage::*;
pub use key_policy::*;
pub use mac::*;
pub use multi_region::*;
pub use public_key::*;
pub use random::*;
pub use recipient::*;
pub use rotation::*;
pub use signature::*;
pub use tag::*;

/// What [`str::parse`] of an API enum fails with. Holds no value: a wrong one has been reported by validation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownValue {
    /// The name of the enum.
    pub expected: &'static str,
}

impl fmt::Display for UnknownValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a value of {}", self.expected)
    }
}

impl std::error::Error for UnknownValue {}
