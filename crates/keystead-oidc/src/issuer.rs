//! What an issuer looks like, for the configuration and for the providers of accounts alike.

use std::net::Ipv6Addr;

/// The longest issuer, in characters (IAM API Reference, CreateOpenIDConnectProvider).
pub const ISSUER_CHARACTERS_MAX: usize = 255;

/// The issuer without `https://`, as accounts and condition keys name it; `None` if the text can be none.
///
/// It is written in one way only: `https://`, a host in lower case, a port if it has one, and a path if it has one. A slash at the end is part
/// of it. AWS takes no ports (unverified); here issuers within a company's network may have one.
pub fn issuer_without_scheme(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("https://").filter(|_| text.len() <= ISSUER_CHARACTERS_MAX)?;
    let authority = rest.split('/').next().unwrap_or_default();
    let is_path = rest.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#@\\\"<>".contains(&byte));
    (is_authority(authority) && is_path).then_some(rest)
}

fn is_authority(text: &str) -> bool {
    if let Some((address, after)) = text.strip_prefix('[').and_then(|text| text.split_once(']')) {
        let is_address = address.parse::<Ipv6Addr>().is_ok_and(|parsed| parsed.to_string() == address);
        return is_address && (after.is_empty() || after.strip_prefix(':').is_some_and(is_port));
    }
    match text.split_once(':') {
        Some((host, port)) => is_host(host) && is_port(port),
        None => is_host(text),
    }
}

fn is_host(text: &str) -> bool {
    let of_label = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    text.split('.').all(|label| !label.is_empty() && label.bytes().all(of_label))
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok_and(|port| port != 0 && port.to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_issuer_looks_like() {
        let long = format!("https://a.example/{}", "a".repeat(ISSUER_CHARACTERS_MAX));
        for (text, taken) in [
            ("https://id.example.com", true),
            ("https://id.example.com/", true),
            ("https://id.example.com/realms/a", true),
            ("https://id.example.com/realms/a/", true),
            ("https://id.example.com:8443/realms/a", true),
            ("https://127.0.0.1:8443", true),
            ("https://[::1]:8443/a", true),
            ("https://[::1]", true),
            ("http://id.example.com", false),
            ("https://id.example.com?a=b", false),
            ("https://id.example.com/?a=b", false),
            ("https://id.example.com#a", false),
            ("https://id.example.com/a b", false),
            ("https://ID.example.com", false),
            ("https://id..com", false),
            ("https://id.example.com:", false),
            ("https://id.example.com:0443", false),
            ("https://id.example.com:65536", false),
            ("https://[0:0::1]", false),
            ("https://[::1]8443", false),
            ("https://user@id.example.com", false),
            ("https://", false),
            ("https:///a", false),
            ("id.example.com", false),
            ("", false),
            (&long, false),
        ] {
            let rest = text.strip_prefix("https://").filter(|_| taken);
            assert_eq!(issuer_without_scheme(text), rest, "{text}");
        }
    }
}
