//! Custom key stores: the entity, the connection state machine, connecting and disconnecting, the passwords of `kmsuser`, and what proxies
//! and HSMs can do wrong.

mod certificate;
mod cloudhsm_connect;
mod connection;
mod connection_job;
mod connection_worker;
mod domain_name;
mod entity;
mod failure;
mod health_poll;
mod hsm_failure;
mod kms_user_passwords;
mod login_keeper;

pub(crate) use certificate::{canonical_certificate, same_certificate};
pub(crate) use cloudhsm_connect::{log_out, seal_into};
pub use connection::{ConnectionEvent, ConnectionState, ConnectionTransition};
pub use connection_worker::ConnectionWorker;
pub use domain_name::is_fully_qualified_domain_name;
pub use entity::{CloudHsmKeyStore, CustomKeyStore, CustomKeyStoreKind, ExternalKeyStore};
pub use failure::{
    CRYPTOGRAPHIC_EXCEPTION, FAILURES, FailureRow, INNER_CIPHERTEXT_INVALID_MESSAGE, KEY_STORE_NOT_CONNECTED_MESSAGE,
    ProxyFailure, UnreachableKind,
};
pub use health_poll::poll_health;
pub use hsm_failure::{HSM_FAILURES, HsmFailure, HsmFailureRow};
pub use kms_user_passwords::KmsUserPasswords;
pub(crate) use kms_user_passwords::{copy_of, is_kms_user_password, same_secret};
pub(crate) use login_keeper::{LOGIN_KEEP_INTERVAL, keep_logged_in};
