//! What the tests share: a proxy that misbehaves on purpose, certificates, and a client to call it with.

mod certificates;
mod http2_proxy;
mod proxy;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use keystead_core::port::{CallMetadata, ExternalLink, KeyStoreBackend, KeyStoreLink};
use keystead_model::SecretString;
use keystead_model::arn::{CustomKeyStoreId, Region};
use keystead_xks::{ClientConfig, TrustRoots, XksProxyClient};

pub(crate) use certificates::{Ca, HOST, mutual_tls_config, self_signed, server_config};
pub(crate) use http2_proxy::{Http2Proxy, OnStream};
pub(crate) use keystead_core::key_store::{ProxyFailure, UnreachableKind};
pub(crate) use proxy::{Entrance, Proxy, Reply, Request, good_answer, http1_response};

pub(crate) const PATH: &str = "/test/kms/xks/v1";
pub(crate) const KEY: &str = "external-key-1";
pub(crate) const ACCESS_KEY_ID: &str = "BETWEEN2TENAND3TENCHARACTERS";
pub(crate) const SECRET: &str = "PleaseReplaceThisWithSomeSecretOfLength43To64";
pub(crate) const PLAINTEXT: &[u8] = b"Hello World!";
pub(crate) const AAD: &[u8] = b"project=nile,department=marketing";

/// Long enough that no budget runs out on a busy machine.
pub(crate) const PATIENT: Duration = Duration::from_secs(20);
/// For tests in which the budget is meant to run out.
pub(crate) const SHORT: Duration = Duration::from_secs(1);

/// A patient configuration without connections ahead of need, trusting `ca`, that reaches [`HOST`] at `address`.
pub(crate) fn config(ca: &Ca, address: SocketAddr) -> ClientConfig {
    ClientConfig {
        trust_roots: TrustRoots::Bundle(vec![ca.root()]),
        connect_to: [(HOST.to_owned(), address)].into(),
        request_timeout: PATIENT,
        warm_connections_per_key_store: 0,
        ..ClientConfig::default()
    }
}

pub(crate) fn client(config: ClientConfig) -> Arc<XksProxyClient> {
    Arc::new(XksProxyClient::new(config).unwrap())
}

/// A link to [`HOST`] for the key store `id`.
pub(crate) fn external_link(id: &str) -> ExternalLink {
    ExternalLink {
        custom_key_store_id: CustomKeyStoreId::parse(id),
        region: Region::parse("us-east-1").unwrap(),
        uri_endpoint: format!("https://{HOST}"),
        uri_path: PATH.into(),
        access_key_id: ACCESS_KEY_ID.into(),
        secret_access_key: SecretString::from(SECRET.to_owned()),
    }
}

pub(crate) fn link_of(link: ExternalLink) -> KeyStoreLink {
    KeyStoreLink::External(Arc::new(link))
}

pub(crate) fn link() -> KeyStoreLink {
    link_of(external_link("cks-1"))
}

pub(crate) fn metadata(kms_operation: &str) -> CallMetadata<'_> {
    CallMetadata {
        kms_request_id: "4112f4d6-db54-4af4-ae30-c55a22a8dfae",
        kms_operation,
        aws_principal_arn: Some("arn:aws:iam::123456789012:user/Alice"),
        aws_source_vpc: None,
        aws_source_vpce: None,
        kms_key_arn: Some("arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"),
    }
}

/// An ordinary call.
pub(crate) async fn poll(client: &XksProxyClient, link: &KeyStoreLink) -> Result<(), ProxyFailure> {
    client.check_health(link, &metadata("KmsHealthCheck")).await
}

/// A call that an open circuit does not stop.
pub(crate) async fn probe(client: &XksProxyClient, link: &KeyStoreLink) -> Result<(), ProxyFailure> {
    client.check_health(link, &metadata("ConnectCustomKeyStore")).await
}

/// Waits until `condition` holds; fails after a long time if it never does.
pub(crate) async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    within_reason(what, waiting).await;
}

/// A hang is a failure, not a stuck test run.
pub(crate) async fn within_reason<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(Duration::from_secs(60), future).await {
        Ok(output) => output,
        Err(_) => panic!("{what}: not after a minute"),
    }
}
