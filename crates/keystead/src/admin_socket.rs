//! The way in for the operator of a running server: a Unix socket in the data folder, open to the server's own user alone.
//!
//! One connection carries one request and one answer, each a line of JSON. Whoever can open the socket can read the store and the root key as
//! well, so there are no further rights to check.

mod client;
mod message;
mod operator;
mod server;
mod socket_path;

pub(crate) use client::{call, other_answer};
pub(crate) use message::{Answer, HsmUsersAction, Request};
pub(crate) use operator::{CLOUDHSM_EVENT_SOURCE, Operator};
pub(crate) use server::{AdminSocket, lock_data_folder};
