//! Where the four APIs live: `https://<server>[/<prefix>]/kms/xks/v1` and a suffix per API.

use super::ExternalKeyId;
use super::limits::URI_MAX_CHARS;

/// The end of every proxy URI path, after the optional prefix.
pub const API_ROOT: &str = "/kms/xks/v1";

/// The four APIs of a proxy.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Api {
    /// `/health`
    GetHealthStatus,
    /// `/keys/<externalKeyId>/metadata`
    GetKeyMetadata,
    /// `/keys/<externalKeyId>/encrypt`
    Encrypt,
    /// `/keys/<externalKeyId>/decrypt`
    Decrypt,
}

impl Api {
    /// All of them, in the specification's order.
    pub const ALL: [Self; 4] = [Self::GetKeyMetadata, Self::Encrypt, Self::Decrypt, Self::GetHealthStatus];

    /// The API's name in the specification.
    pub const fn name(self) -> &'static str {
        match self {
            Self::GetHealthStatus => "GetHealthStatus",
            Self::GetKeyMetadata => "GetKeyMetadata",
            Self::Encrypt => "Encrypt",
            Self::Decrypt => "Decrypt",
        }
    }
}

/// One API call's place under a proxy's URI path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RequestTarget<'a> {
    /// GetHealthStatus
    Health,
    /// GetKeyMetadata of a key
    Metadata(&'a ExternalKeyId),
    /// Encrypt under a key
    Encrypt(&'a ExternalKeyId),
    /// Decrypt under a key
    Decrypt(&'a ExternalKeyId),
}

/// The whole URI has more than 256 characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the URI has {chars} characters, at most {URI_MAX_CHARS} are allowed")]
pub struct UriTooLong {
    /// The length found, in characters.
    pub chars: usize,
}

impl RequestTarget<'_> {
    /// The API called.
    pub fn api(&self) -> Api {
        match self {
            Self::Health => Api::GetHealthStatus,
            Self::Metadata(_) => Api::GetKeyMetadata,
            Self::Encrypt(_) => Api::Encrypt,
            Self::Decrypt(_) => Api::Decrypt,
        }
    }

    /// The request path under `uri_path`, which is the whole `XksProxyUriPath`: `[/<prefix>]/kms/xks/v1`.
    ///
    /// Fails with [`UriTooLong`] if `endpoint` (`https://<server>`) and the path have more than 256 characters.
    pub fn path(&self, endpoint: &str, uri_path: &str) -> Result<String, UriTooLong> {
        let path = match self {
            Self::Health => format!("{uri_path}/health"),
            Self::Metadata(id) => format!("{uri_path}/keys/{id}/metadata"),
            Self::Encrypt(id) => format!("{uri_path}/keys/{id}/encrypt"),
            Self::Decrypt(id) => format!("{uri_path}/keys/{id}/decrypt"),
        };
        let chars = endpoint.len() + path.len();
        if chars > URI_MAX_CHARS {
            return Err(UriTooLong { chars });
        }
        Ok(path)
    }
}

/// Reads what follows [`API_ROOT`] in a request path. `None` if it is no API's suffix.
pub fn parse_suffix(suffix: &str) -> Option<(Api, Option<ExternalKeyId>)> {
    if suffix == "/health" {
        return Some((Api::GetHealthStatus, None));
    }
    let (id, action) = suffix.strip_prefix("/keys/")?.split_once('/')?;
    let api = match action {
        "metadata" => Api::GetKeyMetadata,
        "encrypt" => Api::Encrypt,
        "decrypt" => Api::Decrypt,
        _ => return None,
    };
    Some((api, Some(ExternalKeyId::new(id).ok()?)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_built_and_read_back() {
        let id = ExternalKeyId::new("key-1").unwrap();
        for (target, expected) in [
            (RequestTarget::Health, "/p/kms/xks/v1/health"),
            (RequestTarget::Metadata(&id), "/p/kms/xks/v1/keys/key-1/metadata"),
            (RequestTarget::Encrypt(&id), "/p/kms/xks/v1/keys/key-1/encrypt"),
            (RequestTarget::Decrypt(&id), "/p/kms/xks/v1/keys/key-1/decrypt"),
        ] {
            let path = target.path("https://xks.example.com", "/p/kms/xks/v1").unwrap();
            assert_eq!(path, expected);
            let suffix = path.strip_prefix("/p").unwrap().strip_prefix(API_ROOT);
            let (api, found) = parse_suffix(suffix.unwrap()).unwrap();
            assert_eq!(api, target.api());
            assert_eq!(found.is_none(), target == RequestTarget::Health);
        }
    }

    #[test]
    fn other_suffixes_are_no_api() {
        for suffix in [
            "",
            "/",
            "/health/",
            "/Health",
            "/keys",
            "/keys/",
            "/keys/a",
            "/keys//encrypt",
            "/keys/a/encrypt/",
            "/keys/a/sign",
            "/keys/a%2Fb/encrypt",
            "/keys/a/b/encrypt",
        ] {
            assert_eq!(parse_suffix(suffix), None, "{suffix}");
        }
    }

    #[test]
    fn the_whole_uri_has_at_most_256_characters() {
        let endpoint = "https://xks.example.com";
        let id = ExternalKeyId::new("k".repeat(128)).unwrap();
        let target = RequestTarget::Metadata(&id);
        let fixed = endpoint.len() + "/keys/".len() + 128 + "/metadata".len();
        let longest = "p".repeat(256 - fixed);
        assert_eq!(target.path(endpoint, &longest).unwrap().len() + endpoint.len(), 256);
        assert_eq!(target.path(endpoint, &format!("{longest}p")), Err(UriTooLong { chars: 257 }));
    }
}
