//! A request as far as it is read before anything is decided: which operation it asks for, and in which version.

use keystead_query::Parameters;
use serde_json::Value;

use crate::error::IdentityError;
use crate::recorded::recordable;

/// A request to IAM or STS; `T` is what they know of an operation.
pub(crate) struct Request<T: 'static> {
    /// The operation of that name, if there is one.
    pub(crate) operation: Option<&'static T>,
    asked: Option<String>,
    pub(crate) parameters: Parameters,
    /// Nothing until the operation is known to be served: of others nobody knows which parameters are secret.
    pub(crate) recordable: Value,
}

impl<T> Request<T> {
    /// Reads a body. `named` finds an operation by its name.
    pub(crate) fn read(body: &[u8], named: fn(&str) -> Option<&'static T>) -> Result<Self, IdentityError> {
        let mut parameters = Parameters::parse(body)?;
        let asked = parameters.take("Action");
        let operation = asked.as_deref().and_then(named);
        Ok(Self { operation, asked, parameters, recordable: Value::Null })
    }

    /// The operation in this version. `reason` tells why one is not served, if there is more to say than that.
    pub(crate) fn take_operation(
        &mut self,
        served_version: &str,
        reason: fn(&str) -> Option<&'static str>,
    ) -> Result<&'static T, IdentityError> {
        let asked = self.asked.take().ok_or_else(|| {
            IdentityError::new("MissingAction", 400, "The request must contain the parameter Action.")
        })?;
        let version = self.parameters.required("Version")?;
        self.operation.filter(|_| version == served_version).ok_or_else(|| {
            let message = match reason(&asked) {
                Some(reason) => format!("{asked} is not served. {reason}"),
                None => format!("Could not find operation {asked} for version {version}"),
            };
            IdentityError::new("InvalidAction", 400, message)
        })
    }

    /// Lets records have the parameters: the operation is served, and so it is known which are secret.
    pub(crate) fn reveal(&mut self) {
        self.recordable = recordable(&self.parameters);
    }
}
