//! A key store's endpoint, taken apart once.

use http::HeaderValue;
use http::uri::Authority;
use keystead_core::port::ExternalLink;
use rustls_pki_types::ServerName;

use super::egress::{self, NotAllowed};

/// The only port of an XKS proxy (XKS Proxy API specification).
pub(crate) const PORT: u16 = 443;

/// The host of an `XksProxyUriEndpoint` in each form that a call needs. Always a fully qualified domain name.
pub(crate) struct Endpoint {
    /// In lower case.
    pub(crate) host: String,
    /// For SNI and the certificate's name.
    pub(crate) server_name: ServerName<'static>,
    /// HTTP/2's `:authority`.
    pub(crate) authority: Authority,
    /// HTTP/1.1's `Host`. The port is the default one, so it is not written.
    pub(crate) host_header: HeaderValue,
}

impl Endpoint {
    /// Reads the link's endpoint: `https://` and a fully qualified domain name, nothing else.
    pub(crate) fn of(link: &ExternalLink) -> Result<Self, NotAllowed> {
        let host = link.uri_endpoint.strip_prefix("https://").ok_or(NotAllowed::HostName)?.to_ascii_lowercase();
        egress::check_host(&host)?;
        // What passed the check is fine for all three; a refusal here could only be the same refusal.
        let refused = NotAllowed::HostName;
        Ok(Self {
            server_name: ServerName::try_from(host.clone()).map_err(|_| refused.clone())?,
            authority: Authority::try_from(host.as_str()).map_err(|_| refused.clone())?,
            host_header: HeaderValue::from_str(&host).map_err(|_| refused)?,
            host,
        })
    }
}
