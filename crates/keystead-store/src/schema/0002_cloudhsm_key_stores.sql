-- AWS CloudHSM key stores, and the clusters and networks around them, version 2.
--
-- Tables whose rules change are built anew, filled, and given the old name (sqlite.org/lang_altertable.html, 7): the references to them
-- stay. Runs with foreign keys off; they are checked before the commit.

-- xks_proxy_uri is the endpoint in lower case and the path, one text: what must be unique.
-- The cluster certificate names a backup history; like the cluster, it backs one key store of an account and Region.
CREATE TABLE new_custom_key_stores (
    id                              TEXT   NOT NULL PRIMARY KEY,
    account                         TEXT   NOT NULL REFERENCES accounts (id),
    region                          TEXT   NOT NULL,
    name                            TEXT   NOT NULL,
    created                         BIGINT NOT NULL CHECK (created BETWEEN 0 AND 253402300799999),
    key_store_type                  TEXT   NOT NULL CHECK (key_store_type IN ('EXTERNAL_KEY_STORE', 'AWS_CLOUDHSM')),
    xks_proxy_connectivity          TEXT   CHECK (xks_proxy_connectivity IN ('PUBLIC_ENDPOINT', 'VPC_ENDPOINT_SERVICE')),
    xks_proxy_uri_endpoint          TEXT,
    xks_proxy_uri_path              TEXT,
    xks_proxy_uri                   TEXT,
    xks_proxy_access_key_id         TEXT,
    xks_proxy_sealed_secret         BYTEA,
    xks_proxy_credential_set        BIGINT CHECK (xks_proxy_credential_set BETWEEN 0 AND 253402300799999),
    cloud_hsm_cluster_id            TEXT,
    trust_anchor_certificate        TEXT,
    cluster_certificate             TEXT,
    sealed_kms_user_passwords       BYTEA,
    connection_state                TEXT   NOT NULL
        CHECK (connection_state IN ('DISCONNECTED', 'CONNECTING', 'CONNECTED', 'FAILED', 'DISCONNECTING')),
    connection_error_code           TEXT,
    revision                        BIGINT NOT NULL CHECK (revision >= 0),
    UNIQUE (account, region, id),
    UNIQUE (account, region, name),
    UNIQUE (account, region, xks_proxy_uri),
    UNIQUE (account, region, cloud_hsm_cluster_id),
    UNIQUE (account, region, cluster_certificate),
    CHECK ((key_store_type = 'EXTERNAL_KEY_STORE') = (xks_proxy_connectivity IS NOT NULL)),
    CHECK ((key_store_type = 'EXTERNAL_KEY_STORE') = (xks_proxy_uri_endpoint IS NOT NULL)),
    CHECK ((key_store_type = 'EXTERNAL_KEY_STORE') = (xks_proxy_uri_path IS NOT NULL)),
    CHECK ((key_store_type = 'EXTERNAL_KEY_STORE') = (xks_proxy_uri IS NOT NULL)),
    CHECK ((key_store_type = 'EXTERNAL_KEY_STORE') = (xks_proxy_access_key_id IS NOT NULL)),
    CHECK ((key_store_type = 'EXTERNAL_KEY_STORE') = (xks_proxy_sealed_secret IS NOT NULL)),
    CHECK ((key_store_type = 'EXTERNAL_KEY_STORE') = (xks_proxy_credential_set IS NOT NULL)),
    CHECK ((key_store_type = 'AWS_CLOUDHSM') = (cloud_hsm_cluster_id IS NOT NULL)),
    CHECK ((key_store_type = 'AWS_CLOUDHSM') = (trust_anchor_certificate IS NOT NULL)),
    CHECK ((key_store_type = 'AWS_CLOUDHSM') = (cluster_certificate IS NOT NULL)),
    CHECK ((key_store_type = 'AWS_CLOUDHSM') = (sealed_kms_user_passwords IS NOT NULL)),
    CHECK ((connection_state = 'FAILED') = (connection_error_code IS NOT NULL))
);

INSERT INTO new_custom_key_stores
    (id, account, region, name, created, key_store_type, xks_proxy_connectivity, xks_proxy_uri_endpoint, xks_proxy_uri_path,
     xks_proxy_uri, xks_proxy_access_key_id, xks_proxy_sealed_secret, xks_proxy_credential_set, connection_state,
     connection_error_code, revision)
SELECT id, account, region, name, created, 'EXTERNAL_KEY_STORE', xks_proxy_connectivity, xks_proxy_uri_endpoint, xks_proxy_uri_path,
       xks_proxy_uri, xks_proxy_access_key_id, xks_proxy_sealed_secret, xks_proxy_credential_set, connection_state,
       connection_error_code, revision
FROM custom_key_stores;

DROP TABLE custom_key_stores;
ALTER TABLE new_custom_key_stores RENAME TO custom_key_stores;

CREATE INDEX custom_key_stores_by_state ON custom_key_stores (connection_state);

-- A key whose material is in HSMs alone has no sealed material here.
CREATE TABLE new_kms_keys (
    region                 TEXT   NOT NULL,
    id                     TEXT   NOT NULL,
    account                TEXT   NOT NULL REFERENCES accounts (id),
    created                BIGINT NOT NULL CHECK (created BETWEEN 0 AND 253402300799999),
    description            TEXT   NOT NULL,
    origin                 TEXT   NOT NULL CHECK (origin IN ('AWS_KMS', 'EXTERNAL_KEY_STORE', 'AWS_CLOUDHSM')),
    custom_key_store_id    TEXT,
    xks_key_id             TEXT,
    backing_key_id         BYTEA,
    status                 TEXT   NOT NULL CHECK (status IN ('Enabled', 'Disabled', 'PendingDeletion')),
    deletion_date          BIGINT CHECK (deletion_date BETWEEN 0 AND 253402300799999),
    pending_window_in_days BIGINT CHECK (pending_window_in_days BETWEEN 0 AND 65535),
    policy                 TEXT   NOT NULL,
    material_id            BYTEA  NOT NULL,
    sealed_material        BYTEA,
    revision               BIGINT NOT NULL CHECK (revision >= 0),
    PRIMARY KEY (region, id),
    UNIQUE (account, region, id),
    UNIQUE (custom_key_store_id, xks_key_id),
    UNIQUE (custom_key_store_id, backing_key_id),
    FOREIGN KEY (account, region, custom_key_store_id) REFERENCES custom_key_stores (account, region, id),
    CHECK ((origin = 'AWS_KMS') = (custom_key_store_id IS NULL)),
    CHECK ((origin = 'EXTERNAL_KEY_STORE') = (xks_key_id IS NOT NULL)),
    CHECK ((origin = 'AWS_CLOUDHSM') = (backing_key_id IS NOT NULL)),
    CHECK ((origin = 'AWS_CLOUDHSM') = (sealed_material IS NULL)),
    CHECK ((status = 'PendingDeletion') = (deletion_date IS NOT NULL)),
    CHECK ((deletion_date IS NULL) = (pending_window_in_days IS NULL))
);

INSERT INTO new_kms_keys
    (region, id, account, created, description, origin, custom_key_store_id, xks_key_id, status, deletion_date,
     pending_window_in_days, policy, material_id, sealed_material, revision)
SELECT region, id, account, created, description, origin, custom_key_store_id, xks_key_id, status, deletion_date,
       pending_window_in_days, policy, material_id, sealed_material, revision
FROM kms_keys;

DROP TABLE kms_keys;
ALTER TABLE new_kms_keys RENAME TO kms_keys;

CREATE INDEX kms_keys_by_deletion_date ON kms_keys (deletion_date) WHERE deletion_date IS NOT NULL;

-- The journal of backing keys: those that an HSM may have made and no KMS key uses yet. One that is abandoned never will be used.
CREATE TABLE pending_backing_keys (
    backing_key_id      BYTEA  NOT NULL PRIMARY KEY,
    custom_key_store_id TEXT   NOT NULL REFERENCES custom_key_stores (id),
    label               TEXT   NOT NULL,
    created             BIGINT NOT NULL CHECK (created BETWEEN 0 AND 253402300799999),
    abandoned           BIGINT NOT NULL DEFAULT 0 CHECK (abandoned IN (0, 1))
);

CREATE INDEX pending_backing_keys_by_custom_key_store ON pending_backing_keys (custom_key_store_id, created);

-- Whole aggregates of the services beside KMS, as JSON that only their owner reads.
CREATE TABLE documents (
    kind     TEXT   NOT NULL CHECK (kind IN ('VPC', 'HSM_CLUSTER', 'HSM_BACKUP')),
    id       TEXT   NOT NULL,
    account  TEXT   NOT NULL REFERENCES accounts (id),
    region   TEXT   NOT NULL,
    body     TEXT   NOT NULL,
    revision BIGINT NOT NULL CHECK (revision >= 0),
    PRIMARY KEY (kind, id)
);

CREATE INDEX documents_by_account ON documents (kind, account, region, id);
