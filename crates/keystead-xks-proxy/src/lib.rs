//! The XKS proxy half: HTTP API, key managers behind it, authentication.
//!
//! One request, in order: URI and method ([`ErrorName::InvalidUriPathException`], 405), SigV4
//! (AuthenticationFailedException), the prefix's state and request rate, the body (ValidationException), the prefix's
//! authorization policy (AccessDeniedException), the key manager, the access log.
//!
//! Source: AWS KMS External Keystore (XKS) Proxy API Specification, version 1.0.3.
//!
//! [`ErrorName::InvalidUriPathException`]: keystead_xks::wire::ErrorName::InvalidUriPathException

mod access_log;
mod access_policy;
mod api;
mod authentication;
mod client_common_name;
mod config;
pub mod credential;
pub mod external_keys;
pub mod key_manager;
mod kms_configuration;
mod prefix;
mod refusal;
mod reloading;
mod server;
mod service;
mod tls;
mod token_bucket;

pub use config::{ConfigError, LimitsConfig, PrefixConfig, ProxyConfig, TlsConfig};
pub use kms_configuration::kms_configuration_file;
pub use server::{Proxy, ServeError, StartError};
pub use tls::TlsError;
