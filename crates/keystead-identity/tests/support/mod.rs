//! The IAM API over the real store, called as the front end calls it.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod caller;
mod iam;
#[path = "../../../keystead-core/tests/kms/support/installation.rs"]
mod installation;
#[path = "../../../keystead-core/tests/kms/support/no_key_stores.rs"]
mod no_key_stores;
mod xml;

pub use caller::{caller, root};
pub use iam::Iam;
pub use installation::{Installation, account};
pub use xml::read_xml;
