//! Which host names an external key store's endpoint may have: one rule for the API and for whoever makes the connection.

/// Longest domain name and longest label, in characters (RFC 1035).
const NAME_LENGTH_MAX: usize = 253;
const LABEL_LENGTH_MAX: usize = 63;

/// Whether `host` is a fully qualified domain name that can be a proxy's: at least two labels, none of them empty, and a top label that
/// is neither a number (which resolvers read as part of an IPv4 address, `0x` included) nor `localhost`.
///
/// Source: XKS Proxy API specification (the host is a domain name, not an address); RFC 1035 for lengths, RFC 6761 for `localhost`.
pub fn is_fully_qualified_domain_name(host: &str) -> bool {
    let labels: Vec<&str> = host.split('.').collect();
    host.len() <= NAME_LENGTH_MAX
        && labels.len() >= 2
        && labels.iter().all(|label| is_label(label))
        && labels.last().is_some_and(|top| !is_number(top) && !top.eq_ignore_ascii_case("localhost"))
}

fn is_label(label: &str) -> bool {
    (1..=LABEL_LENGTH_MAX).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

fn is_number(label: &str) -> bool {
    let hexadecimal = label.strip_prefix("0x").or_else(|| label.strip_prefix("0X"));
    match hexadecimal {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => label.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_fully_qualified_domain_name_passes() {
        for good in ["xks.example.com", "a.b", "1.example", "xn--bcher-kva.example", "XKS.Example.COM", "0x1.example"] {
            assert!(is_fully_qualified_domain_name(good), "{good}");
        }
        let long = format!("{}.example", "a".repeat(64));
        for bad in [
            "",
            ".",
            "localhost",
            "a.localhost",
            "127.0.0.1",
            "1.2.3.4",
            "127.0.0.0x1",
            "example.com.",
            ".example.com",
            "a..b",
            "-a.example",
            "a-.example",
            "2130706433",
            "0x7f000001",
            "a_b.example",
            "a b.example",
            "[::1]",
            &long,
        ] {
            assert!(!is_fully_qualified_domain_name(bad), "{bad}");
        }
    }
}
