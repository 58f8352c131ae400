//! Certificates: how an owner claims a cluster.
//!
//! A new cluster gives a signing request; the owner signs it, and gives the certificate back with the root that issued it, the trust
//! anchor. Certificates are compared by their bytes (DER), never by their text.

mod check;
mod parsed;
mod signing_request;

pub(crate) use check::{check_registered, check_signed};
pub(crate) use signing_request::{NewIdentity, make_identity};

#[cfg(test)]
mod tests;
