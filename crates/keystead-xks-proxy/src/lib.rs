//! The XKS proxy half: HTTP API, key managers behind it, authentication.
//!
//! One request, in order: URI ([`ErrorName::InvalidUriPathException`]) and method (405), what the headers claim of the SigV4
//! signature (AuthenticationFailedException), the body's size and arrival, the signature over it
//! (AuthenticationFailedException), the prefix's state and request rate, the body's content (ValidationException), the
//! prefix's authorization policy (AccessDeniedException), the key manager, the access log.
//!
//! Source: AWS KMS External Keystore (XKS) Proxy API Specification, version 1.0.3.
//!
//! [`ErrorName::InvalidUriPathException`]: keystead_xks::wire::ErrorName::InvalidUriPathException

mod access_log;
mod access_policy;
mod api;
mod authentication;
mod body;
mod client_common_name;
mod config;
pub mod credential;
pub mod external_keys;
pub mod key_manager;
mod kms_configuration;
mod prefix;
mod refusal;
mod reloading;
mod secret_json;
mod server;
mod service;
mod tls;
mod token_bucket;

pub use config::{ConfigError, LimitsConfig, PrefixConfig, ProxyConfig, TlsConfig};
pub use kms_configuration::KmsConfiguration;
pub use secret_json::{secret_json, secret_json_pretty};
pub use server::{Proxy, ServeError, StartError};
pub use tls::TlsError;
