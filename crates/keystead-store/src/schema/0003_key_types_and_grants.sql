-- Keys of every type, their materials, multi-Region keys, rotation, grants and last usages, version 3.
--
-- Built anew as in version 2. Runs with foreign keys off; they are checked before the commit.
-- A choice of more than two is written with OR: for each row that it checks, and at a start that is every row, SQLite would make a table of
-- the list behind an IN.

-- What is long comes last, so that the rest is read without it.
-- A key's place among its related keys is here; which Regions they are in is computed from their rows.
-- grant_count: the quota is checked without counting 50,000 rows.
CREATE TABLE new_kms_keys (
    region                   TEXT   NOT NULL,
    id                       TEXT   NOT NULL,
    account                  TEXT   NOT NULL REFERENCES accounts (id),
    created                  BIGINT NOT NULL CHECK (created BETWEEN 0 AND 253402300799999),
    key_spec                 TEXT   NOT NULL
        CHECK (key_spec = 'SYMMETRIC_DEFAULT' OR key_spec = 'HMAC_224' OR key_spec = 'HMAC_256' OR key_spec = 'HMAC_384'
               OR key_spec = 'HMAC_512' OR key_spec = 'RSA_2048' OR key_spec = 'RSA_3072' OR key_spec = 'RSA_4096'
               OR key_spec = 'ECC_NIST_P256' OR key_spec = 'ECC_NIST_P384' OR key_spec = 'ECC_NIST_P521'
               OR key_spec = 'ECC_SECG_P256K1' OR key_spec = 'ECC_NIST_EDWARDS25519' OR key_spec = 'SM2' OR key_spec = 'ML_DSA_44'
               OR key_spec = 'ML_DSA_65' OR key_spec = 'ML_DSA_87'),
    key_usage                TEXT   NOT NULL
        CHECK (key_usage = 'ENCRYPT_DECRYPT' OR key_usage = 'SIGN_VERIFY' OR key_usage = 'GENERATE_VERIFY_MAC'
               OR key_usage = 'KEY_AGREEMENT'),
    origin                   TEXT   NOT NULL
        CHECK (origin = 'AWS_KMS' OR origin = 'EXTERNAL' OR origin = 'EXTERNAL_KEY_STORE' OR origin = 'AWS_CLOUDHSM'),
    custom_key_store_id      TEXT,
    xks_key_id               TEXT,
    backing_key_id           BYTEA,
    multi_region_key_type    TEXT   CHECK (multi_region_key_type IN ('PRIMARY', 'REPLICA')),
    status                   TEXT   NOT NULL
        CHECK (status = 'Enabled' OR status = 'Disabled' OR status = 'PendingDeletion' OR status = 'PendingReplicaDeletion'),
    deletion_date            BIGINT CHECK (deletion_date BETWEEN 0 AND 253402300799999),
    pending_window_in_days   BIGINT CHECK (pending_window_in_days BETWEEN 0 AND 65535),
    transition               TEXT   CHECK (transition IN ('Creating', 'Updating')),
    transition_until         BIGINT CHECK (transition_until BETWEEN 0 AND 253402300799999),
    rotation_period_in_days  BIGINT CHECK (rotation_period_in_days BETWEEN 90 AND 2560),
    next_rotation_date       BIGINT CHECK (next_rotation_date BETWEEN 0 AND 253402300799999),
    on_demand_rotation_start BIGINT CHECK (on_demand_rotation_start BETWEEN 0 AND 253402300799999),
    on_demand_rotation_count BIGINT NOT NULL CHECK (on_demand_rotation_count BETWEEN 0 AND 4294967295),
    grant_count              BIGINT NOT NULL CHECK (grant_count >= 0),
    revision                 BIGINT NOT NULL CHECK (revision >= 0),
    description              TEXT   NOT NULL,
    policy                   TEXT   NOT NULL,
    PRIMARY KEY (region, id),
    UNIQUE (account, region, id),
    UNIQUE (custom_key_store_id, xks_key_id),
    UNIQUE (custom_key_store_id, backing_key_id),
    FOREIGN KEY (account, region, custom_key_store_id) REFERENCES custom_key_stores (account, region, id),
    CHECK ((origin IN ('EXTERNAL_KEY_STORE', 'AWS_CLOUDHSM')) = (custom_key_store_id IS NOT NULL)),
    CHECK ((origin = 'EXTERNAL_KEY_STORE') = (xks_key_id IS NOT NULL)),
    CHECK ((origin = 'AWS_CLOUDHSM') = (backing_key_id IS NOT NULL)),
    CHECK (custom_key_store_id IS NULL OR key_spec = 'SYMMETRIC_DEFAULT'),
    CHECK (custom_key_store_id IS NULL OR multi_region_key_type IS NULL),
    CHECK ((substr(id, 1, 4) = 'mrk-') = (multi_region_key_type IS NOT NULL)),
    CHECK (key_spec <> 'SYMMETRIC_DEFAULT' OR key_usage = 'ENCRYPT_DECRYPT'),
    CHECK ((status = 'PendingDeletion') = (deletion_date IS NOT NULL)),
    CHECK ((status IN ('PendingDeletion', 'PendingReplicaDeletion')) = (pending_window_in_days IS NOT NULL)),
    CHECK (status <> 'PendingReplicaDeletion' OR (multi_region_key_type IS NOT NULL AND multi_region_key_type = 'PRIMARY')),
    CHECK ((transition IS NULL) = (transition_until IS NULL)),
    CHECK (transition IS NULL OR multi_region_key_type IS NOT NULL),
    CHECK ((rotation_period_in_days IS NULL) = (next_rotation_date IS NULL)),
    CHECK (rotation_period_in_days IS NULL OR (origin = 'AWS_KMS' AND key_spec = 'SYMMETRIC_DEFAULT')),
    CHECK (on_demand_rotation_start IS NULL OR (custom_key_store_id IS NULL AND key_spec = 'SYMMETRIC_DEFAULT'))
);

INSERT INTO new_kms_keys
    (region, id, account, created, key_spec, key_usage, origin, custom_key_store_id, xks_key_id, backing_key_id, status,
     deletion_date, pending_window_in_days, on_demand_rotation_count, grant_count, revision, description, policy)
SELECT region, id, account, created, 'SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT', origin, custom_key_store_id, xks_key_id, backing_key_id,
       status, deletion_date, pending_window_in_days, 0, 0, revision, description, policy
FROM kms_keys;

-- ordinal is the place in the order in which the materials came.
-- Material without sealed bytes is in HSMs alone, or was imported and is gone.
CREATE TABLE key_materials (
    region               TEXT   NOT NULL,
    key_id               TEXT   NOT NULL,
    ordinal              BIGINT NOT NULL CHECK (ordinal >= 0),
    material_id          BYTEA  NOT NULL CHECK (length(material_id) = 32),
    state                TEXT   NOT NULL
        CHECK (state = 'CURRENT' OR state = 'NON_CURRENT' OR state = 'PENDING_ROTATION'
               OR state = 'PENDING_MULTI_REGION_IMPORT_AND_ROTATION'),
    sealed_material      BYTEA,
    imported             BIGINT NOT NULL CHECK (imported IN (0, 1)),
    material_description TEXT,
    valid_to             BIGINT CHECK (valid_to BETWEEN 0 AND 253402300799999),
    rotation_date        BIGINT CHECK (rotation_date BETWEEN 0 AND 253402300799999),
    rotation_type        TEXT   CHECK (rotation_type IN ('AUTOMATIC', 'ON_DEMAND')),
    PRIMARY KEY (region, key_id, ordinal),
    UNIQUE (region, key_id, material_id),
    FOREIGN KEY (region, key_id) REFERENCES kms_keys (region, id),
    CHECK (imported = 1 OR (material_description IS NULL AND valid_to IS NULL)),
    CHECK ((rotation_date IS NULL) = (rotation_type IS NULL)),
    CHECK (rotation_date IS NULL OR state IN ('CURRENT', 'NON_CURRENT'))
);

INSERT INTO key_materials (region, key_id, ordinal, material_id, state, sealed_material, imported)
SELECT region, id, 0, material_id, 'CURRENT', sealed_material, 0
FROM kms_keys;

CREATE INDEX key_materials_by_expiry ON key_materials (valid_to) WHERE valid_to IS NOT NULL AND sealed_material IS NOT NULL;

DROP TABLE kms_keys;
ALTER TABLE new_kms_keys RENAME TO kms_keys;

CREATE INDEX kms_keys_by_deletion_date ON kms_keys (deletion_date) WHERE deletion_date IS NOT NULL;
CREATE INDEX kms_keys_by_pending_replica_deletion ON kms_keys (status, region, id) WHERE status = 'PendingReplicaDeletion';
CREATE INDEX kms_keys_by_next_rotation_date ON kms_keys (next_rotation_date)
    WHERE next_rotation_date IS NOT NULL AND status = 'Enabled' AND (multi_region_key_type IS NULL OR multi_region_key_type = 'PRIMARY');
CREATE INDEX kms_keys_by_on_demand_rotation ON kms_keys (on_demand_rotation_start) WHERE on_demand_rotation_start IS NOT NULL;

-- operations is a JSON list of names; the encryption contexts are JSON objects. fingerprint, of grants with a name, stands for all that
-- two requests must have alike to be about one grant.
CREATE TABLE grants (
    region                    TEXT   NOT NULL,
    key_id                    TEXT   NOT NULL,
    id                        BYTEA  NOT NULL CHECK (length(id) = 32),
    account                   TEXT   NOT NULL,
    created                   BIGINT NOT NULL CHECK (created BETWEEN 0 AND 253402300799999),
    name                      TEXT,
    fingerprint               BYTEA  CHECK (length(fingerprint) = 32),
    grantee_principal         TEXT   NOT NULL,
    retiring_principal        TEXT,
    issuing_account           TEXT   NOT NULL,
    operations                TEXT   NOT NULL,
    encryption_context_equals TEXT,
    encryption_context_subset TEXT,
    PRIMARY KEY (region, key_id, id),
    FOREIGN KEY (account, region, key_id) REFERENCES kms_keys (account, region, id),
    CHECK ((name IS NULL) = (fingerprint IS NULL))
);

CREATE UNIQUE INDEX grants_by_fingerprint ON grants (region, key_id, fingerprint) WHERE fingerprint IS NOT NULL;
CREATE INDEX grants_by_grantee_principal ON grants (region, key_id, grantee_principal, id);
CREATE INDEX grants_by_retiring_principal ON grants (region, retiring_principal, id) WHERE retiring_principal IS NOT NULL;

CREATE TABLE key_last_usages (
    region     TEXT   NOT NULL,
    key_id     TEXT   NOT NULL,
    operation  TEXT   NOT NULL,
    used       BIGINT NOT NULL CHECK (used BETWEEN 0 AND 253402300799999),
    event_id   TEXT   NOT NULL,
    request_id TEXT   NOT NULL,
    PRIMARY KEY (region, key_id),
    FOREIGN KEY (region, key_id) REFERENCES kms_keys (region, id)
);
