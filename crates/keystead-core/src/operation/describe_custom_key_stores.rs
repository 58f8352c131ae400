//! DescribeCustomKeyStores.

use keystead_model::arn::CustomKeyStoreId;
use keystead_model::kms::{
    CustomKeyStoresListEntry, DescribeCustomKeyStoresRequest, DescribeCustomKeyStoresResponse, Exception,
    XksProxyConfiguration,
};

use super::custom_key_store_lookup::stored_key_store;
use super::custom_key_store_settings::CUSTOM_KEY_STORES_MAX;
use super::key_lookup::authorized_account;
use super::page::DESCRIBE_CUSTOM_KEY_STORES;
use crate::error::KmsError;
use crate::key_store::{CustomKeyStore, CustomKeyStoreKind, ExternalKeyStore};
use crate::kms::{Call, Kms};

/// Tells of one custom key store, by ID or by name, or of all. Asks neither proxy nor cluster.
pub(super) async fn describe_custom_key_stores(
    kms: &Kms,
    call: &mut Call<'_>,
    request: DescribeCustomKeyStoresRequest,
) -> Result<DescribeCustomKeyStoresResponse, KmsError> {
    let scope = authorized_account(call)?;
    let page = DESCRIBE_CUSTOM_KEY_STORES.page(kms, call, request.limit, request.marker.as_deref(), &[])?;
    let store = kms.catalog.store();
    let mut found = match (&request.custom_key_store_id, &request.custom_key_store_name) {
        // What AWS answers to both is unverified.
        (Some(_), Some(_)) => {
            return Err(KmsError::validation(
                "Specify CustomKeyStoreId or CustomKeyStoreName, or neither of them, but not both.",
            ));
        }
        (Some(id), None) => vec![stored_key_store(kms, &scope, id).await?],
        (None, Some(name)) => {
            let all = store.custom_key_stores(&scope.account, &scope.region, None, CUSTOM_KEY_STORES_MAX).await?;
            let named = all.into_iter().find(|key_store| key_store.name == *name);
            vec![named.ok_or_else(|| {
                KmsError::new(
                    Exception::CustomKeyStoreNotFound,
                    format!("A custom key store with the name {name} does not exist."),
                )
            })?]
        }
        (None, None) => {
            let after = page.after(CustomKeyStoreId::parse)?;
            store.custom_key_stores(&scope.account, &scope.region, after.as_ref(), page.wanted()).await?
        }
    };
    let next_marker = page.cut(&mut found, |key_store| key_store.id.as_str().to_owned());
    Ok(DescribeCustomKeyStoresResponse {
        custom_key_stores: found.into_iter().map(entry).collect(),
        truncated: next_marker.is_some(),
        next_marker,
    })
}

/// Neither the secret of a credential nor a password is ever part of it.
fn entry(key_store: CustomKeyStore) -> CustomKeyStoresListEntry {
    let custom_key_store_type = key_store.store_type();
    let (cluster, proxy) = match key_store.kind {
        CustomKeyStoreKind::External(external) => (None, Some(proxy_configuration(external))),
        CustomKeyStoreKind::CloudHsm(cloud_hsm) => (Some((cloud_hsm.cluster_id, cloud_hsm.trust_anchor)), None),
    };
    let (cloud_hsm_cluster_id, trust_anchor_certificate) = cluster.unzip();
    CustomKeyStoresListEntry {
        custom_key_store_id: key_store.id,
        custom_key_store_name: key_store.name,
        cloud_hsm_cluster_id,
        trust_anchor_certificate,
        connection_state: key_store.connection.state_type(),
        connection_error_code: key_store.connection.error_code(),
        creation_date: key_store.created,
        custom_key_store_type,
        xks_proxy_configuration: proxy,
    }
}

fn proxy_configuration(external: ExternalKeyStore) -> XksProxyConfiguration {
    XksProxyConfiguration {
        connectivity: external.connectivity,
        access_key_id: external.access_key_id,
        uri_endpoint: external.uri_endpoint,
        uri_path: external.uri_path,
        vpc_endpoint_service_name: None,
        vpc_endpoint_service_owner: None,
    }
}
