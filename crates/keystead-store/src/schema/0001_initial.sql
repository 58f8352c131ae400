-- Everything Keystead must not lose, version 1.
--
-- One schema for SQLite and PostgreSQL: BIGINT for whole numbers, TEXT, BYTEA for bytes, and nothing that only one of them has.
-- Points in time are milliseconds since 1970-01-01T00:00:00Z, up to the year 9999. Secrets are sealed before they come here.
-- The text of this file is part of the schema's identity: once released it never changes; the next version is another file.

-- Single values, such as the root key check.
CREATE TABLE metadata (
    name  TEXT  NOT NULL PRIMARY KEY,
    value BYTEA NOT NULL
);

-- The last number given of each series. Numbers are never given twice, whatever is deleted.
CREATE TABLE counters (
    name  TEXT   NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL CHECK (value >= 0)
);

INSERT INTO counters (name, value) VALUES ('change', 0), ('connection_job', 0);

CREATE TABLE accounts (
    id      TEXT   NOT NULL PRIMARY KEY,
    name    TEXT   NOT NULL UNIQUE,
    created BIGINT NOT NULL CHECK (created BETWEEN 0 AND 253402300799999)
);

CREATE TABLE users (
    account   TEXT   NOT NULL REFERENCES accounts (id),
    user_name TEXT   NOT NULL,
    user_id   TEXT   NOT NULL,
    created   BIGINT NOT NULL CHECK (created BETWEEN 0 AND 253402300799999),
    PRIMARY KEY (account, user_name),
    UNIQUE (account, user_name, user_id)
);

-- user_name and user_id are NULL for an account's root user.
CREATE TABLE access_keys (
    access_key_id TEXT   NOT NULL PRIMARY KEY,
    account       TEXT   NOT NULL REFERENCES accounts (id),
    user_name     TEXT,
    user_id       TEXT,
    sealed_secret BYTEA  NOT NULL,
    status        TEXT   NOT NULL CHECK (status IN ('Active', 'Inactive')),
    created       BIGINT NOT NULL CHECK (created BETWEEN 0 AND 253402300799999),
    expires       BIGINT CHECK (expires BETWEEN 0 AND 253402300799999),
    CHECK ((user_name IS NULL) = (user_id IS NULL)),
    FOREIGN KEY (account, user_name, user_id) REFERENCES users (account, user_name, user_id)
);

CREATE UNIQUE INDEX access_keys_by_account ON access_keys (account, access_key_id);
CREATE INDEX access_keys_by_user ON access_keys (account, user_name, user_id);

-- xks_proxy_uri is the endpoint in lower case and the path, one text: what must be unique.
CREATE TABLE custom_key_stores (
    id                              TEXT   NOT NULL PRIMARY KEY,
    account                         TEXT   NOT NULL REFERENCES accounts (id),
    region                          TEXT   NOT NULL,
    name                            TEXT   NOT NULL,
    created                         BIGINT NOT NULL CHECK (created BETWEEN 0 AND 253402300799999),
    xks_proxy_connectivity          TEXT   NOT NULL CHECK (xks_proxy_connectivity IN ('PUBLIC_ENDPOINT', 'VPC_ENDPOINT_SERVICE')),
    xks_proxy_uri_endpoint          TEXT   NOT NULL,
    xks_proxy_uri_path              TEXT   NOT NULL,
    xks_proxy_uri                   TEXT   NOT NULL,
    xks_proxy_access_key_id         TEXT   NOT NULL,
    xks_proxy_sealed_secret         BYTEA  NOT NULL,
    xks_proxy_credential_set        BIGINT NOT NULL CHECK (xks_proxy_credential_set BETWEEN 0 AND 253402300799999),
    connection_state                TEXT   NOT NULL
        CHECK (connection_state IN ('DISCONNECTED', 'CONNECTING', 'CONNECTED', 'FAILED', 'DISCONNECTING')),
    connection_error_code           TEXT,
    revision                        BIGINT NOT NULL CHECK (revision >= 0),
    UNIQUE (account, region, id),
    UNIQUE (account, region, name),
    UNIQUE (account, region, xks_proxy_uri),
    CHECK ((connection_state = 'FAILED') = (connection_error_code IS NOT NULL))
);

CREATE INDEX custom_key_stores_by_state ON custom_key_stores (connection_state);

CREATE TABLE kms_keys (
    region                 TEXT   NOT NULL,
    id                     TEXT   NOT NULL,
    account                TEXT   NOT NULL REFERENCES accounts (id),
    created                BIGINT NOT NULL CHECK (created BETWEEN 0 AND 253402300799999),
    description            TEXT   NOT NULL,
    origin                 TEXT   NOT NULL CHECK (origin IN ('AWS_KMS', 'EXTERNAL_KEY_STORE')),
    custom_key_store_id    TEXT,
    xks_key_id             TEXT,
    status                 TEXT   NOT NULL CHECK (status IN ('Enabled', 'Disabled', 'PendingDeletion')),
    deletion_date          BIGINT CHECK (deletion_date BETWEEN 0 AND 253402300799999),
    pending_window_in_days BIGINT CHECK (pending_window_in_days BETWEEN 0 AND 65535),
    policy                 TEXT   NOT NULL,
    material_id            BYTEA  NOT NULL,
    sealed_material        BYTEA  NOT NULL,
    revision               BIGINT NOT NULL CHECK (revision >= 0),
    PRIMARY KEY (region, id),
    UNIQUE (account, region, id),
    UNIQUE (custom_key_store_id, xks_key_id),
    FOREIGN KEY (account, region, custom_key_store_id) REFERENCES custom_key_stores (account, region, id),
    CHECK ((origin = 'EXTERNAL_KEY_STORE') = (custom_key_store_id IS NOT NULL)),
    CHECK ((custom_key_store_id IS NULL) = (xks_key_id IS NULL)),
    CHECK ((status = 'PendingDeletion') = (deletion_date IS NOT NULL)),
    CHECK ((deletion_date IS NULL) = (pending_window_in_days IS NULL))
);

CREATE INDEX kms_keys_by_deletion_date ON kms_keys (deletion_date) WHERE deletion_date IS NOT NULL;

-- How many keys an account has in a Region: the quota is checked without counting a hundred thousand rows.
CREATE TABLE kms_key_counts (
    account   TEXT   NOT NULL REFERENCES accounts (id),
    region    TEXT   NOT NULL,
    key_count BIGINT NOT NULL CHECK (key_count >= 0),
    PRIMARY KEY (account, region)
);

-- ordinal keeps the order in which the tags were added.
CREATE TABLE key_tags (
    region    TEXT   NOT NULL,
    key_id    TEXT   NOT NULL,
    ordinal   BIGINT NOT NULL CHECK (ordinal >= 0),
    tag_key   TEXT   NOT NULL,
    tag_value TEXT   NOT NULL,
    PRIMARY KEY (region, key_id, ordinal),
    UNIQUE (region, key_id, tag_key),
    FOREIGN KEY (region, key_id) REFERENCES kms_keys (region, id)
);

CREATE TABLE aliases (
    account       TEXT   NOT NULL,
    region        TEXT   NOT NULL,
    name          TEXT   NOT NULL,
    target_key_id TEXT   NOT NULL,
    created       BIGINT NOT NULL CHECK (created BETWEEN 0 AND 253402300799999),
    last_updated  BIGINT NOT NULL CHECK (last_updated BETWEEN 0 AND 253402300799999),
    revision      BIGINT NOT NULL CHECK (revision >= 0),
    PRIMARY KEY (account, region, name),
    FOREIGN KEY (account, region, target_key_id) REFERENCES kms_keys (account, region, id)
);

CREATE UNIQUE INDEX aliases_by_target_key ON aliases (account, region, target_key_id, name);

-- One job at most for each custom key store. A job that nobody leases has no owner and a lease that ended at 0.
CREATE TABLE connection_jobs (
    id                  BIGINT NOT NULL PRIMARY KEY,
    custom_key_store_id TEXT   NOT NULL UNIQUE REFERENCES custom_key_stores (id),
    kind                TEXT   NOT NULL CHECK (kind IN ('CONNECT', 'DISCONNECT')),
    due                 BIGINT NOT NULL CHECK (due BETWEEN 0 AND 253402300799999),
    owner               TEXT,
    lease_until         BIGINT NOT NULL CHECK (lease_until BETWEEN 0 AND 253402300799999)
);

CREATE INDEX connection_jobs_by_due ON connection_jobs (due, id);

-- The change feed. Which of account and region are there depends on what changed.
CREATE TABLE changes (
    sequence    BIGINT NOT NULL PRIMARY KEY,
    record_kind TEXT   NOT NULL CHECK (record_kind IN ('KEY', 'ALIAS', 'CUSTOM_KEY_STORE', 'ACCESS_KEY')),
    account     TEXT,
    region      TEXT,
    record_id   TEXT   NOT NULL,
    CHECK ((record_kind = 'ALIAS') = (account IS NOT NULL)),
    CHECK ((record_kind IN ('KEY', 'ALIAS')) = (region IS NOT NULL))
);
