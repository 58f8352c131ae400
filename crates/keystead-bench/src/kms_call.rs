//! Single calls of the KMS API, to set up what is measured.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::Failure;
use crate::connection::{Connection, Endpoint, Target};
use crate::request::PreparedRequest;
use crate::signer::Signer;

/// How long connecting a key store may take.
const CONNECT_PATIENCE: Duration = Duration::from_secs(30);

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

    /// Calls an operation of IAM once.
    pub(crate) fn call_iam(&self, action: &str, parameters: &[(&str, &str)]) -> Result<(), Failure> {
        let request = Arc::new(PreparedRequest::iam(&self.host, action, parameters)?);
        let target = Target { endpoint: self.endpoint.clone(), request, signer: self.signer.for_iam() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let answer = runtime.block_on(async { Connection::open(&target).await?.call().await });
        answer.map(drop).map_err(|error| format!("{action}: {error}").into())
    }

    /// Makes an AWS_KMS key and returns its ID.
    pub(crate) fn create_key(&self, input: &Value) -> Result<String, Failure> {
        text(&self.call("CreateKey", input)?, "/KeyMetadata/KeyId")
    }

    /// Connects a custom key store, and waits until it is.
    pub(crate) fn connect(&self, custom_key_store_id: &str) -> Result<(), Failure> {
        let input = json!({"CustomKeyStoreId": custom_key_store_id});
        self.call("ConnectCustomKeyStore", &input)?;
        let deadline = Instant::now() + CONNECT_PATIENCE;
        loop {
            let described = self.call("DescribeCustomKeyStores", &input)?;
            match text(&described, "/CustomKeyStores/0/ConnectionState")?.as_str() {
                "CONNECTED" => return Ok(()),
                "FAILED" => return Err(format!("the key store does not connect: {described}").into()),
                _ if Instant::now() > deadline => {
                    return Err(format!("the key store is slow to connect: {described}").into());
                }
                _ => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }
}

/// The text at a JSON pointer of an answer.
pub(crate) fn text(answer: &Value, pointer: &str) -> Result<String, Failure> {
    let found = answer.pointer(pointer).and_then(Value::as_str);
    found.map(str::to_owned).ok_or_else(|| format!("no {pointer} in {answer}").into())
}
