//! Custom key stores.

use keystead_core::key_store::{CloudHsmKeyStore, CustomKeyStore, CustomKeyStoreKind, ExternalKeyStore};
use keystead_core::port::{ChangedRecord, StoreError, UniqueConstraint};
use keystead_model::arn::{AccountId, CustomKeyStoreId, Region};
use keystead_model::kms::CustomKeyStoreType;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use crate::rows::{Layout, Record, encoding};
use crate::statements::{execute, exists, fetch_all, fetch_optional, number, statements};
use crate::{changes, connection_jobs, identities, keys, pending_backing_keys};

const LAYOUT: Layout = Layout { table: "custom_key_stores", identity: &["id"] };

/// The columns of a whole record, for a SELECT that ends as `$rest` says.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, account, region, name, created, key_store_type, xks_proxy_connectivity, xks_proxy_uri_endpoint,
            xks_proxy_uri_path, xks_proxy_access_key_id, xks_proxy_sealed_secret, xks_proxy_credential_set,
            cloud_hsm_cluster_id, trust_anchor_certificate, cluster_certificate, sealed_kms_user_passwords,
            connection_state, connection_error_code, revision FROM custom_key_stores ",
            $rest
        )
    };
}

statements! {
    COUNT = "SELECT count(*) FROM custom_key_stores WHERE account = $1 AND region = $2";
    OTHER_OF_NAME = "SELECT id FROM custom_key_stores WHERE account = $1 AND region = $2 AND name = $3 AND id <> $4";
    OTHER_OF_URI = "SELECT id FROM custom_key_stores
        WHERE account = $1 AND region = $2 AND xks_proxy_uri = $3 AND id <> $4";
    OTHER_OF_CLUSTER = "SELECT id FROM custom_key_stores
        WHERE account = $1 AND region = $2 AND cloud_hsm_cluster_id = $3 AND id <> $4";
    OTHER_OF_BACKUP_HISTORY = "SELECT id FROM custom_key_stores
        WHERE account = $1 AND region = $2 AND cluster_certificate = $3 AND id <> $4";
    IS_CONNECTED = "SELECT id FROM custom_key_stores WHERE id = $1 AND connection_state = 'CONNECTED'";
    EXISTS_IN_ACCOUNT = "SELECT id FROM custom_key_stores WHERE account = $1 AND region = $2 AND id = $3";
    AT_REVISION = "SELECT id FROM custom_key_stores WHERE id = $1 AND revision = $2 AND key_store_type = $3";
    INSERT = "INSERT INTO custom_key_stores
        (id, account, region, created, key_store_type, revision, name,
         xks_proxy_connectivity, xks_proxy_uri_endpoint, xks_proxy_uri_path,
         xks_proxy_uri, xks_proxy_access_key_id, xks_proxy_sealed_secret, xks_proxy_credential_set,
         cloud_hsm_cluster_id, trust_anchor_certificate, cluster_certificate, sealed_kms_user_passwords,
         connection_state, connection_error_code)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)";
    UPDATE = "UPDATE custom_key_stores
        SET name = $1, xks_proxy_connectivity = $2, xks_proxy_uri_endpoint = $3, xks_proxy_uri_path = $4,
            xks_proxy_uri = $5, xks_proxy_access_key_id = $6, xks_proxy_sealed_secret = $7,
            xks_proxy_credential_set = $8, cloud_hsm_cluster_id = $9, trust_anchor_certificate = $10,
            cluster_certificate = $11, sealed_kms_user_passwords = $12,
            connection_state = $13, connection_error_code = $14, revision = revision + 1
        WHERE id = $15";
    OF_ANY_KIND_AT_REVISION = "SELECT id FROM custom_key_stores WHERE id = $1 AND revision = $2";
    GET = select!("WHERE id = $1");
    LIST = select!("WHERE account = $1 AND region = $2 AND id > $3 ORDER BY id LIMIT $4");
    CONNECTED = select!("WHERE connection_state = 'CONNECTED'");
    DELETE = "DELETE FROM custom_key_stores WHERE id = $1";
}

/// [`keystead_core::port::Store::insert_custom_key_store`].
pub(crate) async fn insert(
    connection: &mut SqliteConnection,
    key_store: &CustomKeyStore,
    quota: u64,
) -> Result<(), StoreError> {
    let (account, region) = (key_store.account.as_str(), key_store.region.as_str());
    let current = number(connection, sqlx::query(COUNT).bind(account).bind(region)).await?;
    if current >= quota {
        return Err(StoreError::QuotaExceeded { current });
    }
    if exists(connection, sqlx::query(GET).bind(key_store.id.as_str())).await? {
        return Err(StoreError::Duplicate(UniqueConstraint::CustomKeyStoreId));
    }
    nothing_taken(connection, key_store).await?;
    if !identities::account_exists(connection, &key_store.account).await? {
        return Err(StoreError::NotFound);
    }
    let insert = sqlx::query(INSERT)
        .bind(key_store.id.as_str())
        .bind(account)
        .bind(region)
        .bind(encoding::millis("created", key_store.created)?)
        .bind(key_store.store_type().as_str())
        .bind(encoding::whole("revision", key_store.revision)?);
    execute(connection, bind_changeable(insert, key_store)?).await?;
    append_change(connection, &key_store.id).await
}

/// `Duplicate` if another key store of the account and Region has the name, the proxy, the cluster, or its backup history.
async fn nothing_taken(connection: &mut SqliteConnection, key_store: &CustomKeyStore) -> Result<(), StoreError> {
    let (account, region, id) = (key_store.account.as_str(), key_store.region.as_str(), key_store.id.as_str());
    let of_name = sqlx::query(OTHER_OF_NAME).bind(account).bind(region).bind(&key_store.name).bind(id);
    if exists(connection, of_name).await? {
        return Err(StoreError::Duplicate(UniqueConstraint::CustomKeyStoreName));
    }
    let of_same_backend: Vec<(&str, String, UniqueConstraint)> = match &key_store.kind {
        CustomKeyStoreKind::External(external) => {
            vec![(OTHER_OF_URI, xks_proxy_uri(external), UniqueConstraint::XksProxyUri)]
        }
        CustomKeyStoreKind::CloudHsm(cloud_hsm) => vec![
            (OTHER_OF_CLUSTER, cloud_hsm.cluster_id.clone(), UniqueConstraint::HsmCluster),
            (OTHER_OF_BACKUP_HISTORY, cloud_hsm.cluster_certificate.clone(), UniqueConstraint::HsmCluster),
        ],
    };
    for (statement, value, constraint) in of_same_backend {
        let other = sqlx::query(statement).bind(account).bind(region).bind(value).bind(id);
        if exists(connection, other).await? {
            return Err(StoreError::Duplicate(constraint));
        }
    }
    Ok(())
}

/// The endpoint, a host name whose case does not matter, and the path, whose case does.
fn xks_proxy_uri(external: &ExternalKeyStore) -> String {
    external.uri_endpoint.to_ascii_lowercase() + &external.uri_path
}

/// Binds what an update may change, in the order of INSERT and UPDATE alike.
fn bind_changeable<'q>(
    query: crate::statements::Query<'q>,
    key_store: &'q CustomKeyStore,
) -> Result<crate::statements::Query<'q>, StoreError> {
    let (external, cloud_hsm) = (key_store.external(), key_store.cloud_hsm());
    let credential_set = external.map(|external| encoding::millis("xks_proxy_credential_set", external.credential_set));
    Ok(query
        .bind(&key_store.name)
        .bind(external.map(|external| external.connectivity.as_str()))
        .bind(external.map(|external| &external.uri_endpoint))
        .bind(external.map(|external| &external.uri_path))
        .bind(external.map(xks_proxy_uri))
        .bind(external.map(|external| &external.access_key_id))
        .bind(external.map(|external| external.sealed_secret_access_key.as_bytes()))
        .bind(credential_set.transpose()?)
        .bind(cloud_hsm.map(|cloud_hsm| &cloud_hsm.cluster_id))
        .bind(cloud_hsm.map(|cloud_hsm| &cloud_hsm.trust_anchor))
        .bind(cloud_hsm.map(|cloud_hsm| &cloud_hsm.cluster_certificate))
        .bind(cloud_hsm.map(|cloud_hsm| cloud_hsm.sealed_passwords.as_bytes()))
        .bind(key_store.connection.state_type().as_str())
        .bind(key_store.connection.error_code().map(|code| code.as_str())))
}

/// Whether the custom key store is CONNECTED.
pub(crate) async fn is_connected(connection: &mut SqliteConnection, id: &CustomKeyStoreId) -> Result<bool, StoreError> {
    exists(connection, sqlx::query(IS_CONNECTED).bind(id.as_str())).await
}

/// Whether the account has such a custom key store in the Region.
pub(crate) async fn exists_in_account(
    connection: &mut SqliteConnection,
    account: &AccountId,
    region: &Region,
    id: &CustomKeyStoreId,
) -> Result<bool, StoreError> {
    let query = sqlx::query(EXISTS_IN_ACCOUNT).bind(account.as_str()).bind(region.as_str()).bind(id.as_str());
    exists(connection, query).await
}

/// [`keystead_core::port::Store::custom_key_store`].
pub(crate) async fn get(
    connection: &mut SqliteConnection,
    id: &CustomKeyStoreId,
) -> Result<Option<CustomKeyStore>, StoreError> {
    fetch_optional(connection, sqlx::query(GET).bind(id.as_str())).await?.as_ref().map(read).transpose()
}

/// [`keystead_core::port::Store::custom_key_stores`].
pub(crate) async fn list(
    connection: &mut SqliteConnection,
    account: &AccountId,
    region: &Region,
    after: Option<&CustomKeyStoreId>,
    limit: usize,
) -> Result<Vec<CustomKeyStore>, StoreError> {
    let query = sqlx::query(LIST)
        .bind(account.as_str())
        .bind(region.as_str())
        .bind(after.map_or("", CustomKeyStoreId::as_str))
        .bind(encoding::limit(limit));
    fetch_all(connection, query).await?.iter().map(read).collect()
}

/// [`keystead_core::port::Store::connected_custom_key_stores`].
pub(crate) async fn connected(connection: &mut SqliteConnection) -> Result<Vec<CustomKeyStore>, StoreError> {
    fetch_all(connection, sqlx::query(CONNECTED)).await?.iter().map(read).collect()
}

/// [`keystead_core::port::Store::update_custom_key_store`].
pub(crate) async fn update(connection: &mut SqliteConnection, key_store: &CustomKeyStore) -> Result<(), StoreError> {
    let of_kind = sqlx::query(AT_REVISION)
        .bind(key_store.id.as_str())
        .bind(encoding::whole("revision", key_store.revision)?)
        .bind(key_store.store_type().as_str());
    if !exists(connection, of_kind).await? {
        return Err(StoreError::Conflict);
    }
    nothing_taken(connection, key_store).await?;
    let update = bind_changeable(sqlx::query(UPDATE), key_store)?.bind(key_store.id.as_str());
    execute(connection, update).await?;
    append_change(connection, &key_store.id).await
}

/// [`keystead_core::port::Store::delete_custom_key_store`].
pub(crate) async fn delete(
    connection: &mut SqliteConnection,
    id: &CustomKeyStoreId,
    revision: u64,
) -> Result<(), StoreError> {
    let revision = encoding::whole("revision", revision)?;
    if !exists(connection, sqlx::query(OF_ANY_KIND_AT_REVISION).bind(id.as_str()).bind(revision)).await? {
        return Err(StoreError::Conflict);
    }
    if keys::any_in_custom_key_store(connection, id.as_str()).await? {
        return Err(StoreError::Referenced);
    }
    connection_jobs::delete_of_custom_key_store(connection, id).await?;
    pending_backing_keys::delete_of_custom_key_store(connection, id).await?;
    execute(connection, sqlx::query(DELETE).bind(id.as_str())).await?;
    append_change(connection, id).await
}

async fn append_change(connection: &mut SqliteConnection, id: &CustomKeyStoreId) -> Result<(), StoreError> {
    changes::append(connection, &ChangedRecord::CustomKeyStore(id.clone())).await
}

fn read(row: &SqliteRow) -> Result<CustomKeyStore, StoreError> {
    let record = Record::new(row, LAYOUT);
    Ok(CustomKeyStore {
        account: record.parsed("account")?,
        region: record.parsed("region")?,
        id: record.parsed("id")?,
        name: record.text("name")?,
        created: record.timestamp("created")?,
        kind: match record.parsed("key_store_type")? {
            CustomKeyStoreType::ExternalKeyStore => CustomKeyStoreKind::External(read_external(&record)?),
            CustomKeyStoreType::AwsCloudhsm => CustomKeyStoreKind::CloudHsm(read_cloud_hsm(&record)?),
        },
        connection: encoding::read_connection_state(&record)?,
        revision: record.whole("revision")?,
    })
}

fn read_external(record: &Record<'_>) -> Result<ExternalKeyStore, StoreError> {
    Ok(ExternalKeyStore {
        connectivity: record.parsed("xks_proxy_connectivity")?,
        uri_endpoint: record.text("xks_proxy_uri_endpoint")?,
        uri_path: record.text("xks_proxy_uri_path")?,
        access_key_id: record.text("xks_proxy_access_key_id")?,
        sealed_secret_access_key: record.sealed("xks_proxy_sealed_secret")?,
        credential_set: record.timestamp("xks_proxy_credential_set")?,
    })
}

fn read_cloud_hsm(record: &Record<'_>) -> Result<CloudHsmKeyStore, StoreError> {
    Ok(CloudHsmKeyStore {
        cluster_id: record.text("cloud_hsm_cluster_id")?,
        trust_anchor: record.text("trust_anchor_certificate")?,
        cluster_certificate: record.text("cluster_certificate")?,
        sealed_passwords: record.sealed("sealed_kms_user_passwords")?,
    })
}
