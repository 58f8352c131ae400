//! What the proxy of an external key store gets to know of the caller.
//!
//! Source: XKS Proxy API specification, `requestMetadata`; external key stores digest 1.4.

use std::sync::{Arc, Mutex};

use crate::support::{Installation, Server, VIRGINIA, account, enable_iam, for_principal, other_account, statement};
use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keystead_core::access::Principal;
use keystead_core::key_store::{ConnectionState, CustomKeyStore, CustomKeyStoreKind, ExternalKeyStore, ProxyFailure};
use keystead_core::kms::{Caller, RequestOrigin, VpcEndpoint, operation_named};
use keystead_core::port::{
    BackendCiphertext, CallMetadata, ExternalKeyMetadata, KeyStoreBackend, KeyStoreLink, Store, SystemEntropy,
};
use keystead_core::sealing::SealedRecord;
use keystead_model::arn::{CustomKeyStoreId, Region};
use keystead_model::kms::XksProxyConnectivity;
use serde_json::{Value, json};
use zeroize::Zeroizing;

/// Operation, principal, VPC, VPC endpoint.
type Told = (String, Option<String>, Option<String>, Option<String>);

/// A proxy that notes what it is told, knows every key, and encrypts nothing.
#[derive(Default)]
struct Listening(Mutex<Vec<Told>>);

impl Listening {
    fn note(&self, call: &CallMetadata<'_>) {
        let text = |text: Option<&str>| text.map(str::to_owned);
        let told = (
            call.kms_operation.to_owned(),
            text(call.aws_principal_arn),
            text(call.aws_source_vpc),
            text(call.aws_source_vpce),
        );
        self.0.lock().unwrap().push(told);
    }

    fn told(&self) -> Told {
        self.0.lock().unwrap().pop().unwrap()
    }
}

#[async_trait]
impl KeyStoreBackend for Listening {
    async fn check_health(&self, _: &KeyStoreLink, call: &CallMetadata<'_>) -> Result<(), ProxyFailure> {
        self.note(call);
        Ok(())
    }

    async fn key_metadata(
        &self,
        _: &KeyStoreLink,
        _: &str,
        call: &CallMetadata<'_>,
    ) -> Result<ExternalKeyMetadata, ProxyFailure> {
        self.note(call);
        let usage = ["ENCRYPT", "DECRYPT"].map(str::to_owned);
        let (key_spec, key_status) = ("AES_256".to_owned(), "ENABLED".to_owned());
        Ok(ExternalKeyMetadata { key_spec, key_usage: usage.to_vec(), key_status })
    }

    async fn encrypt(
        &self,
        _: &KeyStoreLink,
        _: &str,
        _: &[u8],
        _: &[u8],
        call: &CallMetadata<'_>,
    ) -> Result<BackendCiphertext, ProxyFailure> {
        self.note(call);
        Err(ProxyFailure::InvalidState)
    }

    async fn decrypt(
        &self,
        _: &KeyStoreLink,
        _: &str,
        _: &BackendCiphertext,
        _: &[u8],
        _: &CallMetadata<'_>,
    ) -> Result<Zeroizing<Vec<u8>>, ProxyFailure> {
        Err(ProxyFailure::InvalidState)
    }

    fn forget(&self, _: &CustomKeyStoreId) {}
}

async fn key_store(installation: &Installation, server: &Server) -> CustomKeyStoreId {
    let id = CustomKeyStoreId::parse("cks-1234567890abcdef0").unwrap();
    let record = SealedRecord::XksProxyCredential(id.as_str());
    let secret = server.kms.catalog().root_key().seal(record, b"secret", &SystemEntropy).unwrap();
    let external = ExternalKeyStore {
        connectivity: XksProxyConnectivity::PublicEndpoint,
        uri_endpoint: "https://proxy.example".to_owned(),
        uri_path: "/kms/xks/v1".to_owned(),
        access_key_id: "ABCDEFGHIJKLMNOPQRST".to_owned(),
        sealed_secret_access_key: secret,
        credential_set: installation.now(),
    };
    let key_store = CustomKeyStore {
        account: account(),
        region: Region::parse(VIRGINIA).unwrap(),
        id: id.clone(),
        name: "proxy".to_owned(),
        created: installation.now(),
        kind: CustomKeyStoreKind::External(external),
        connection: ConnectionState::Connected,
        revision: 1,
    };
    installation.store.insert_custom_key_store(&key_store, 10).await.unwrap();
    id
}

/// A call through a VPC endpoint.
async fn call_through_endpoint(server: &Server, principal: &Principal, operation: &str, input: Value) -> Value {
    let endpoint = VpcEndpoint { vpc_endpoint_id: "vpce-1a2b".to_owned(), vpc_id: "vpc-3c4d".to_owned() };
    let origin = RequestOrigin {
        request_id: server.kms.new_uuid(),
        source_ip: "10.0.0.1".to_owned(),
        user_agent: "test".to_owned(),
        tls: None,
        vpc_endpoint: Some(Arc::new(endpoint)),
    };
    let caller = Caller {
        principal: Arc::new(principal.clone()),
        policies: server.kms.catalog().principal_policies(principal).await.unwrap().unwrap(),
        access_key_id: "AKIATEST".to_owned(),
        region: Region::parse(VIRGINIA).unwrap(),
        origin,
    };
    let body = input.to_string();
    let answer = server.kms.invoke(operation_named(operation).unwrap(), body.as_bytes(), &caller).await;
    serde_json::from_slice(&answer.body).unwrap()
}

#[tokio::test]
async fn the_caller_and_its_network() {
    let installation = Installation::new().await;
    installation.create_other_account().await;
    let proxy = Arc::new(Listening::default());
    let server = installation.serve_before(proxy.clone(), |_| {});
    let id = key_store(&installation, &server).await;
    let everything = [statement("Allow", &["kms:*"], "*")];
    let session = installation.create_session("role", &everything).await;
    let stranger = installation.create_user_of(other_account(), "stranger", &everything).await;
    let text = |text: &str| Some(text.to_owned());
    let (vpc, endpoint) = (text("vpc-3c4d"), text("vpce-1a2b"));

    let policy = crate::support::key_policy(&[enable_iam(), for_principal("Allow", "444455556666", &["kms:Encrypt"])]);
    let input =
        json!({"Origin": "EXTERNAL_KEY_STORE", "CustomKeyStoreId": id.as_str(), "XksKeyId": "key-1", "Policy": policy});
    let created = call_through_endpoint(&server, &session, "CreateKey", input).await;
    let caller = text("arn:aws:sts::111122223333:assumed-role/role/session");
    assert_eq!(proxy.told(), ("CreateKey".to_owned(), caller.clone(), vpc.clone(), endpoint.clone()));
    let key_arn = &created["KeyMetadata"]["Arn"];
    let record = server.records("CreateKey").pop().unwrap();
    assert_eq!(record["vpcEndpointId"], "vpce-1a2b");

    let encrypt = json!({"KeyId": key_arn, "Plaintext": STANDARD.encode("text")});
    call_through_endpoint(&server, &session, "Encrypt", encrypt.clone()).await;
    assert_eq!(proxy.told(), ("Encrypt".to_owned(), caller.clone(), vpc, endpoint));
    // Without an endpoint there is nothing to tell, and the network of another account is not told.
    server.call_by(&session, "Encrypt", encrypt.clone()).await.unwrap_err();
    assert_eq!(proxy.told(), ("Encrypt".to_owned(), caller, None, None));
    call_through_endpoint(&server, &stranger, "Encrypt", encrypt).await;
    assert_eq!(proxy.told(), ("Encrypt".to_owned(), text(&stranger.arn), None, None));
}

/// Policies see the endpoint as well.
#[tokio::test]
async fn an_endpoint_in_policies() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let condition = json!({"StringEquals": {"aws:SourceVpce": "vpce-1a2b", "aws:SourceVpc": "vpc-3c4d"}});
    let user = installation.create_user("user", &[crate::support::allow_if(&["kms:ListKeys"], condition)]).await;
    assert_eq!(call_through_endpoint(&server, &user, "ListKeys", json!({})).await["Keys"], json!([]));
    server.refused_by(&user, "ListKeys", json!({})).await;
}
