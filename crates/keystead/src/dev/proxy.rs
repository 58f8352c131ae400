//! The sample XKS proxy: its configuration, credential and external key.

use keystead_private_file::create_root_key_file;
use keystead_xks_proxy::key_manager::KeyUsage;
use keystead_xks_proxy::{KmsConfiguration, Proxy, ProxyConfig, credential, external_keys, secret_json_pretty};
use serde::Serialize;

use super::certificates::PrivateCa;
use super::folder::Folder;
use super::regions::Regions;
use super::{PROXY_HOST, SAMPLE_KEY};
use crate::Failure;

const PREFIX: &str = "/sample";
const CREDENTIALS_FILE: &str = "xks-proxy-credentials.json";
/// The sample input of CreateCustomKeyStore.
pub(super) const REQUEST_FILE: &str = "create-custom-key-store.json";

/// Makes what the proxy needs where it is missing, and binds it to a free port.
pub(crate) async fn start(folder: &Folder, ca: &PrivateCa, regions: &Regions) -> Result<Proxy, Failure> {
    ca.issue(folder, "xks-proxy", &[PROXY_HOST], &[])?;
    let root_key = folder.path("xks-proxy-root.key");
    if !root_key.exists() {
        create_root_key_file(&root_key)?;
    }
    let credentials_file = folder.path(CREDENTIALS_FILE);
    if !credentials_file.exists() {
        let fresh = credential::generate().map_err(|_| "the system's random number generator failed")?;
        credential::create_file(&credentials_file, &[fresh])?;
    }
    let file = folder.path("xks-proxy.toml");
    if !file.exists() {
        folder.write_public("xks-proxy.toml", configuration(regions).as_bytes())?;
    }
    let mut config = ProxyConfig::load(&file)?;
    // The Regions may differ from the last start's; the signatures' scopes must not.
    config.region = regions.home.to_string();
    config.other_regions = regions.others.iter().map(ToString::to_string).collect();
    if !folder.path("xks-proxy-keys.json").exists() {
        external_keys::create(&config, Some(SAMPLE_KEY), &[KeyUsage::Encrypt, KeyUsage::Decrypt])?;
    }
    write_kms_configuration(folder)?;
    Ok(Proxy::bind(config).await?)
}

fn configuration(regions: &Regions) -> String {
    let (region, other_regions) = (&regions.home, regions.others_as_toml());
    format!(
        "# Written by `keystead dev` at its first start. Documented in docs/xks-proxy.md.\n\
         listen = \"127.0.0.1:0\"\n\
         region = \"{region}\"\n\
         other_regions = {other_regions}\n\
         key_file = \"xks-proxy-keys.json\"\n\
         root_key_file = \"xks-proxy-root.key\"\n\
         access_log = \"xks-proxy-access.jsonl\"\n\
         \n\
         [tls]\n\
         certificate = \"xks-proxy.pem\"\n\
         private_key = \"xks-proxy.key\"\n\
         \n\
         [[prefix]]\n\
         path = \"{PREFIX}\"\n\
         credentials_file = \"{CREDENTIALS_FILE}\"\n"
    )
}

/// What `xks-proxy.json` holds: the proxy configuration file of the developer guide with endpoint and key ID besides.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct SampleConfiguration<'a> {
    #[serde(flatten)]
    kms: KmsConfiguration<'a>,
    xks_proxy_uri_endpoint: String,
    xks_key_id: &'a str,
}

/// What [`REQUEST_FILE`] holds: the whole input of CreateCustomKeyStore.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct SampleRequest<'a> {
    #[serde(flatten)]
    kms: KmsConfiguration<'a>,
    xks_proxy_uri_endpoint: String,
    custom_key_store_name: &'a str,
    custom_key_store_type: &'a str,
    xks_proxy_connectivity: &'a str,
}

/// Writes `xks-proxy.json` and [`REQUEST_FILE`]. From a file the AWS CLI takes the request without the secret on a command line, and
/// without its version 1 taking the endpoint for an address to fetch a value from.
fn write_kms_configuration(folder: &Folder) -> Result<(), Failure> {
    let credentials = credential::read_file(&folder.path(CREDENTIALS_FILE))?;
    let current = credentials.last().ok_or("the credentials file holds no credential")?;
    let endpoint = format!("https://{PROXY_HOST}");
    let configuration = SampleConfiguration {
        kms: KmsConfiguration::new(PREFIX, current),
        xks_proxy_uri_endpoint: endpoint.clone(),
        xks_key_id: SAMPLE_KEY,
    };
    let request = SampleRequest {
        kms: KmsConfiguration::new(PREFIX, current),
        xks_proxy_uri_endpoint: endpoint,
        custom_key_store_name: "sample",
        custom_key_store_type: "EXTERNAL_KEY_STORE",
        xks_proxy_connectivity: "PUBLIC_ENDPOINT",
    };
    folder.write_private("xks-proxy.json", &secret_json_pretty(&configuration)?)?;
    folder.write_private(REQUEST_FILE, &secret_json_pretty(&request)?)
}
