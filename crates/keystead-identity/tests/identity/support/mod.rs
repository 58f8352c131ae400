//! The IAM API over the real store, called as the front end calls it, and what the tests of STS need of the same.

mod caller;
mod form;
mod iam;
#[path = "../../../../keystead-core/tests/kms/support/installation.rs"]
#[allow(dead_code, unreachable_pub)]
mod installation;
#[path = "../../../../keystead-core/tests/kms/support/no_key_stores.rs"]
#[allow(unreachable_pub)]
mod no_key_stores;
mod records;
mod xml;

pub(crate) use caller::{caller, root};
pub(crate) use form::form;
pub(crate) use iam::{Iam, Refused};
pub(crate) use installation::{Installation, VIRGINIA, account};
pub(crate) use records::Records;
pub(crate) use xml::read_xml;
