//! The service, over a real store, without key stores: one test binary, as each holds every dependency.
#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod access_explanation;
mod audit_identities;
mod authorization;
mod change_feed;
mod condition_keys;
mod cross_account;
mod error_causes;
mod gone_principals;
mod grants_agreement;
mod grants_constraints;
mod grants_delegation;
mod grants_operations;
mod grants_retirement;
mod grants_tokens;
mod imported_key_material;
mod key_policies;
mod key_rotation;
mod multi_region_keys;
mod principals_by_id;
mod proxy_metadata;
mod quotas;
mod revoked_sessions;
mod support;
