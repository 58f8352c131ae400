//! The XKS proxy protocol: wire types, and the client half (a KeyStoreBackend).
//!
//! - [`wire`]: requests, responses, errors, limits and URIs of the four APIs, shared with the proxy half;
//! - [`client`]: [`XksProxyClient`], which carries KMS's calls to the proxies of external key stores.

pub mod client;
pub mod wire;

pub use client::{
    BreakerPolicy, ClientCertificate, ClientConfig, ConfigError, HostResolver, SystemResolver, TrustRoots,
    XksProxyClient,
};
