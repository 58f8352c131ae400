//! What `keystead dev` tells the person who started it.

use std::net::SocketAddr;

use super::folder::{Folder, quoted};
use super::proxy::REQUEST_FILE;
use super::regions::Regions;
use super::sample_cluster::{CLUSTER_FILE, CO_PASSWORD_FILE, REQUEST_FILE as CLUSTER_REQUEST_FILE};
use super::{PROXY_HOST, SAMPLE_KEY};
use crate::cli::DevArguments;
use crate::{Failure, output};

/// Prints what is running, and the next five commands to type.
pub(crate) fn print(
    arguments: &DevArguments,
    regions: &Regions,
    folder: &Folder,
    endpoint: &str,
    proxy: SocketAddr,
) -> Result<(), Failure> {
    let DevArguments { account, data_dir, aws_cli: aws, .. } = arguments;
    let regions = regions.for_people();
    let file = |name: &str| quoted(&folder.path(name).display().to_string());
    let hsms = if arguments.no_hsm { String::new() } else { hsm_lines() };
    output::line(&format!(
        "Keystead is running.

  KMS            {endpoint}   Regions {regions}, account {account}
  XKS proxy      https://{PROXY_HOST}   on {proxy}, with the external key {SAMPLE_KEY}
{hsms}  data folder    {}   credentials in env, audit log in audit.jsonl

Type these in another terminal:

  . {}
  KEY_STORE=$({aws} kms create-custom-key-store --cli-input-json file://{} --query CustomKeyStoreId --output text)
  {aws} kms connect-custom-key-store --custom-key-store-id $KEY_STORE && {aws} kms describe-custom-key-stores
  KEY=$({aws} kms create-key --origin EXTERNAL_KEY_STORE --custom-key-store-id $KEY_STORE --xks-key-id {SAMPLE_KEY} --query KeyMetadata.KeyId --output text)
  {aws} kms generate-data-key --key-id $KEY --key-spec AES_256

Each start keeps what is in the folder. Ctrl-C stops.
",
        data_dir.display(),
        file("env"),
        file(REQUEST_FILE),
    ))?;
    Ok(())
}

/// The cluster is made once KMS serves: a start does not wait for it.
fn hsm_lines() -> String {
    format!(
        "  HSMs           a cluster of two is made in a few seconds: {CLUSTER_REQUEST_FILE} is the input of CreateCustomKeyStore for it,
                 {CLUSTER_FILE} its ID, trust anchor and password of kmsuser, {CO_PASSWORD_FILE} the password of admin
"
    )
}
