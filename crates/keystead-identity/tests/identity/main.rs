//! IAM and STS over the real store, called as the front end calls them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod iam;
mod policies;
mod sts;
mod support;
