//! The two query protocols of AWS: a form with `Action` and `Version` in, XML out. EC2 has one of its own, IAM and STS have the other; they
//! differ in how lists are named and in what is around an answer. Sans-IO.
//!
//! Source: Smithy specification, "AWS query protocol" and "AWS EC2 query protocol".

mod parameters;
mod structure;

pub use parameters::{ParameterError, Parameters, lower_first};
pub use structure::{Node, SecretText, Structure, XML_DECLARATION, close, element, open};
