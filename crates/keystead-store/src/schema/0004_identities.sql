-- Users with policies, groups, roles, managed policies, OpenID Connect providers, and last uses of access keys, version 4.
--
-- Maps, sets and lists are JSON that no query looks into: objects and arrays, sorted where their order means nothing.
-- lower_case_name is a name in lower case: no two of a kind in an account may have the same. Names are ASCII.

-- Users and roles have the same of themselves: sessions that began earlier are refused. Here it is the root user's.
ALTER TABLE accounts ADD COLUMN sessions_revoked_before BIGINT CHECK (sessions_revoked_before BETWEEN 0 AND 253402300799999);

-- A user's name was unique by its letters as they are until now. So no index can demand more of users: whoever adds one looks first.
ALTER TABLE users ADD COLUMN lower_case_name TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN path TEXT NOT NULL DEFAULT '/';
ALTER TABLE users ADD COLUMN tags TEXT NOT NULL DEFAULT '{}';
ALTER TABLE users ADD COLUMN inline_policies TEXT NOT NULL DEFAULT '{}';
ALTER TABLE users ADD COLUMN managed_policies TEXT NOT NULL DEFAULT '[]';
ALTER TABLE users ADD COLUMN permissions_boundary TEXT;
ALTER TABLE users ADD COLUMN group_names TEXT NOT NULL DEFAULT '[]';
ALTER TABLE users ADD COLUMN sessions_revoked_before BIGINT CHECK (sessions_revoked_before BETWEEN 0 AND 253402300799999);
ALTER TABLE users ADD COLUMN revision BIGINT NOT NULL DEFAULT 0 CHECK (revision >= 0);

-- Until now every user had access to everything in its account, and from now on a user without policies has none. So those who are there
-- already get a policy that allows what they could do: an upgrade locks nobody out.
UPDATE users SET lower_case_name = lower(user_name), managed_policies = '["arn:aws:iam::aws:policy/AdministratorAccess"]';

CREATE INDEX users_by_lower_case_name ON users (account, lower_case_name);

CREATE TABLE iam_groups (
    account          TEXT   NOT NULL REFERENCES accounts (id),
    group_name       TEXT   NOT NULL,
    lower_case_name  TEXT   NOT NULL,
    group_id         TEXT   NOT NULL,
    path             TEXT   NOT NULL,
    created          BIGINT NOT NULL CHECK (created BETWEEN 0 AND 253402300799999),
    revision         BIGINT NOT NULL CHECK (revision >= 0),
    managed_policies TEXT   NOT NULL,
    inline_policies  TEXT   NOT NULL,
    PRIMARY KEY (account, group_name),
    UNIQUE (account, lower_case_name)
);

-- max_session_duration is in seconds. trust_policy_principals is what policy_principals is of a key policy.
CREATE TABLE iam_roles (
    account                 TEXT   NOT NULL REFERENCES accounts (id),
    role_name               TEXT   NOT NULL,
    lower_case_name         TEXT   NOT NULL,
    role_id                 TEXT   NOT NULL,
    path                    TEXT   NOT NULL,
    created                 BIGINT NOT NULL CHECK (created BETWEEN 0 AND 253402300799999),
    max_session_duration    BIGINT NOT NULL CHECK (max_session_duration BETWEEN 3600 AND 43200),
    sessions_revoked_before BIGINT CHECK (sessions_revoked_before BETWEEN 0 AND 253402300799999),
    revision                BIGINT NOT NULL CHECK (revision >= 0),
    description             TEXT   NOT NULL,
    permissions_boundary    TEXT,
    tags                    TEXT   NOT NULL,
    managed_policies        TEXT   NOT NULL,
    inline_policies         TEXT   NOT NULL,
    trust_policy            TEXT   NOT NULL,
    trust_policy_principals TEXT   NOT NULL,
    PRIMARY KEY (account, role_name),
    UNIQUE (account, lower_case_name)
);

-- version_count is how many versions there are, so that they are counted without being read.
CREATE TABLE iam_policies (
    account         TEXT   NOT NULL REFERENCES accounts (id),
    policy_name     TEXT   NOT NULL,
    lower_case_name TEXT   NOT NULL,
    policy_id       TEXT   NOT NULL,
    path            TEXT   NOT NULL,
    created         BIGINT NOT NULL CHECK (created BETWEEN 0 AND 253402300799999),
    updated         BIGINT NOT NULL CHECK (updated BETWEEN 0 AND 253402300799999),
    version_count   BIGINT NOT NULL CHECK (version_count >= 1),
    default_version BIGINT NOT NULL CHECK (default_version BETWEEN 1 AND 4294967295),
    next_version    BIGINT NOT NULL CHECK (next_version BETWEEN 1 AND 4294967295),
    revision        BIGINT NOT NULL CHECK (revision >= 0),
    description     TEXT   NOT NULL,
    tags            TEXT   NOT NULL,
    versions        TEXT   NOT NULL,
    PRIMARY KEY (account, policy_name),
    UNIQUE (account, lower_case_name)
);

CREATE TABLE oidc_providers (
    account     TEXT   NOT NULL REFERENCES accounts (id),
    url         TEXT   NOT NULL,
    created     BIGINT NOT NULL CHECK (created BETWEEN 0 AND 253402300799999),
    revision    BIGINT NOT NULL CHECK (revision >= 0),
    client_ids  TEXT   NOT NULL,
    thumbprints TEXT   NOT NULL,
    tags        TEXT   NOT NULL,
    PRIMARY KEY (account, url)
);

-- Who refers to whom in an account: what is in the holders' rows, by target. A target is a group's name or a managed policy's ARN; no name
-- is an ARN. Written anew whenever a holder is.
CREATE TABLE iam_references (
    account     TEXT   NOT NULL REFERENCES accounts (id),
    holder_kind TEXT   NOT NULL CHECK (holder_kind = 'USER' OR holder_kind = 'GROUP' OR holder_kind = 'ROLE'),
    holder_name TEXT   NOT NULL,
    target      TEXT   NOT NULL,
    member      BIGINT NOT NULL CHECK (member IN (0, 1)),
    attached    BIGINT NOT NULL CHECK (attached IN (0, 1)),
    boundary    BIGINT NOT NULL CHECK (boundary IN (0, 1)),
    PRIMARY KEY (account, holder_kind, holder_name, target),
    CHECK (member + attached + boundary > 0),
    CHECK (member = 0 OR holder_kind = 'USER'),
    CHECK (boundary = 0 OR holder_kind IN ('USER', 'ROLE'))
);

CREATE UNIQUE INDEX iam_references_by_target ON iam_references (account, target, holder_kind, holder_name);

INSERT INTO iam_references (account, holder_kind, holder_name, target, member, attached, boundary)
SELECT account, 'USER', user_name, 'arn:aws:iam::aws:policy/AdministratorAccess', 0, 1, 0
FROM users;

-- What the ARNs of users and roles in key policies and grants stood for when those were stored: unique IDs, by ARN for a policy. Of what is
-- there already it is not known, so it goes on meaning whoever has the name, until a policy is put again.
ALTER TABLE kms_keys ADD COLUMN policy_principals TEXT NOT NULL DEFAULT '{}';
ALTER TABLE grants ADD COLUMN grantee_id TEXT;
ALTER TABLE grants ADD COLUMN retiring_principal_id TEXT;

CREATE TABLE access_key_uses (
    access_key_id TEXT   NOT NULL PRIMARY KEY REFERENCES access_keys (access_key_id),
    used          BIGINT NOT NULL CHECK (used BETWEEN 0 AND 253402300799999),
    region        TEXT   NOT NULL,
    service       TEXT   NOT NULL
);

-- The change feed takes identities and grants too. Built anew as in version 2.
CREATE TABLE new_changes (
    sequence    BIGINT NOT NULL PRIMARY KEY,
    record_kind TEXT   NOT NULL
        CHECK (record_kind = 'KEY' OR record_kind = 'ALIAS' OR record_kind = 'CUSTOM_KEY_STORE' OR record_kind = 'ACCESS_KEY'
               OR record_kind = 'IDENTITIES' OR record_kind = 'GRANTS'),
    account     TEXT,
    region      TEXT,
    record_id   TEXT   NOT NULL,
    CHECK ((record_kind = 'ALIAS') = (account IS NOT NULL)),
    CHECK ((record_kind = 'KEY' OR record_kind = 'ALIAS' OR record_kind = 'GRANTS') = (region IS NOT NULL))
);

INSERT INTO new_changes (sequence, record_kind, account, region, record_id)
SELECT sequence, record_kind, account, region, record_id
FROM changes;

DROP TABLE changes;
ALTER TABLE new_changes RENAME TO changes;
