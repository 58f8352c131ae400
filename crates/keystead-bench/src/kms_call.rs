//! Single calls of the KMS API, to set up what is measured.

use std::sync::Arc;

use serde_json::Value;

use crate::Failure;
use crate::connection::{Connection, Endpoint, Target};
use crate::request::PreparedRequest;
use crate::signer::Signer;

/// A KMS server, as its administrator reaches it.
#[derive(Clone)]
pub(crate) struct KmsServer {
    pub(crate) endpoint: Endpoint,
    /// What the `Host` header says.
    pub(crate) host: String,
    pub(crate) signer: Signer,
}

impl KmsServer {
    /// An operation as a load sends it.
    pub(crate) fn target(&self, operation: &str, input: &Value) -> Result<Target, Failure> {
        Ok(Target {
            endpoint: self.endpoint.clone(),
            request: Arc::new(PreparedRequest::kms(&self.host, operation, input)?),
            signer: self.signer.clone(),
        })
    }

    /// Calls an operation once, over a connection of its own.
    pub(crate) fn call(&self, operation: &str, input: &Value) -> Result<Value, Failure> {
        let target = self.target(operation, input)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let answer = runtime.block_on(async { Connection::open(&target).await?.call().await });
        let body = answer.map_err(|error| format!("{operation}: {error}"))?;
        Ok(serde_json::from_slice(&body)?)
    }

    /// Makes an AWS_KMS key and returns its ID.
    pub(crate) fn create_key(&self, input: &Value) -> Result<String, Failure> {
        text(&self.call("CreateKey", input)?, "/KeyMetadata/KeyId")
    }
}

/// The text at a JSON pointer of an answer.
pub(crate) fn text(answer: &Value, pointer: &str) -> Result<String, Failure> {
    let found = answer.pointer(pointer).and_then(Value::as_str);
    found.map(str::to_owned).ok_or_else(|| format!("no {pointer} in {answer}").into())
}
