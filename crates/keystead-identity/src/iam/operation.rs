//! The operations that are served, and where each is.

use keystead_query::{Parameters, Structure};
use serde_json::Value;

use super::call::Call;
use crate::error::IdentityError;

/// An operation of IAM.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Operation {
    pub(super) name: &'static str,
    /// Whether it changes nothing.
    pub(super) read_only: bool,
}

/// All that are served, by name.
const OPERATIONS: &[Operation] = &[];

/// The operation of that name, if it is served.
pub(super) fn named(name: &str) -> Option<&'static Operation> {
    OPERATIONS.iter().find(|operation| operation.name == name)
}

/// Whether an operation changes nothing.
pub(super) fn is_read_only(name: &str) -> bool {
    named(name).is_some_and(|operation| operation.read_only)
}

/// What the audit record repeats of an answer: all but secrets.
pub(super) fn recorded(_name: &str, answer: &Structure) -> Value {
    answer.to_json()
}

/// Serves a request by the operation's name.
pub(super) async fn dispatch(
    operation: &'static Operation,
    _call: &Call<'_>,
    _parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    Err(IdentityError::internal(&format!("{} has no line here", operation.name)))
}
