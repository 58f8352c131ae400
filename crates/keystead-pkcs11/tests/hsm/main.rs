//! One behaviour on every module: worker processes, driven by the client.

mod keys;
mod support;
