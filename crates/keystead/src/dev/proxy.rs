//! The sample XKS proxy: its configuration, credential and external key.

use keystead_private_file::create_root_key_file;
use keystead_xks_proxy::key_manager::KeyUsage;
use keystead_xks_proxy::{Proxy, ProxyConfig, credential, external_keys, kms_configuration_file};
use serde_json::Value;
use zeroize::Zeroizing;

use super::certificates::PrivateCa;
use super::folder::Folder;
use super::{PROXY_HOST, SAMPLE_KEY};
use crate::Failure;

const PREFIX: &str = "/sample";
const CREDENTIALS_FILE: &str = "xks-proxy-credentials.json";
/// The sample input of CreateCustomKeyStore.
pub(super) const REQUEST_FILE: &str = "create-custom-key-store.json";

/// Makes what the proxy needs where it is missing, and binds it to a free port.
pub(crate) async fn start(folder: &Folder, ca: &PrivateCa, region: &str) -> Result<Proxy, Failure> {
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
        std::fs::write(&file, configuration(region)).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    let mut config = ProxyConfig::load(&file)?;
    // The Region may differ from the last start's; the signature's scope must not.
    region.clone_into(&mut config.region);
    if !folder.path("xks-proxy-keys.json").exists() {
        external_keys::create(&config, Some(SAMPLE_KEY), &[KeyUsage::Encrypt, KeyUsage::Decrypt])?;
    }
    write_kms_configuration(folder)?;
    Ok(Proxy::bind(config).await?)
}

fn configuration(region: &str) -> String {
    format!(
        "# Written by `keystead dev` at its first start. Documented in docs/xks-proxy.md.\n\
         listen = \"127.0.0.1:0\"\n\
         region = \"{region}\"\n\
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

/// Writes `xks-proxy.json`, the proxy configuration file of the developer guide with endpoint and key ID besides, and
/// [`REQUEST_FILE`], the whole input of CreateCustomKeyStore. From a file the AWS CLI takes it without the secret on a command line, and
/// without its version 1 taking the endpoint for an address to fetch a value from.
fn write_kms_configuration(folder: &Folder) -> Result<(), Failure> {
    let credentials = credential::read_file(&folder.path(CREDENTIALS_FILE))?;
    let current = credentials.last().ok_or("the credentials file holds no credential")?;
    let mut configuration = kms_configuration_file(PREFIX, current);
    configuration["XksProxyUriEndpoint"] = Value::from(format!("https://{PROXY_HOST}"));
    let mut request = configuration.clone();
    configuration["XksKeyId"] = Value::from(SAMPLE_KEY);
    request["CustomKeyStoreName"] = Value::from("sample");
    request["CustomKeyStoreType"] = Value::from("EXTERNAL_KEY_STORE");
    request["XksProxyConnectivity"] = Value::from("PUBLIC_ENDPOINT");
    for (name, value) in [("xks-proxy.json", configuration), (REQUEST_FILE, request)] {
        let text = Zeroizing::new(serde_json::to_vec_pretty(&value)?);
        folder.write_private(name, &text)?;
    }
    Ok(())
}
