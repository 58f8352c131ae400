//! The third line of the canonical request: the query parameters, encoded and sorted.

use crate::percent_encoding::{form_decoded, push_encoded};

/// Appends the canonical form of `query`, which is what stands after the `?` of the request target.
///
/// Names and values are decoded and encoded anew, so that `%c3` and `%C3` sign alike; pairs are sorted by encoded name,
/// then by encoded value; a name without `=` gets one. `+` is a blank, as in forms, and becomes `%20`. A parameter that is
/// called `without` is left out.
pub(crate) fn push_canonical_query(out: &mut Vec<u8>, query: &str, without: Option<&str>) {
    let mut pairs: Vec<_> = query.split('&').filter(|pair| !pair.is_empty()).map(encoded_pair).collect();
    if let Some(without) = without {
        pairs.retain(|(name, _)| name != without.as_bytes());
    }
    pairs.sort_unstable();
    for (index, (name, value)) in pairs.iter().enumerate() {
        if index > 0 {
            out.push(b'&');
        }
        out.extend_from_slice(name);
        out.push(b'=');
        out.extend_from_slice(value);
    }
}

fn encoded_pair(pair: &str) -> (Vec<u8>, Vec<u8>) {
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    (encoded_anew(name), encoded_anew(value))
}

fn encoded_anew(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for byte in form_decoded(text) {
        push_encoded(&mut out, byte);
    }
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const QUERIES: &[(&str, &str)] = &[
        ("", ""),
        ("a", "a="),
        ("a=", "a="),
        ("=b", "=b"),
        ("&&a=1&", "a=1"),
        ("b=2&a=1", "a=1&b=2"),
        ("a=2&a=1", "a=1&a=2"),
        ("Param-3=Value3&Param=Value2", "Param=Value2&Param-3=Value3"),
        ("a=b=c", "a=b%3Dc"),
        ("a=%c3%A9", "a=%C3%A9"),
        ("a=é", "a=%C3%A9"),
        ("a=b+c", "a=b%20c"),
        ("a=b%2Bc", "a=b%2Bc"),
        ("a=%7E", "a=~"),
        ("a=%zz%", "a=%25zz%25"),
        ("x=1/2", "x=1%2F2"),
    ];

    #[test]
    fn table() {
        for &(query, expected) in QUERIES {
            let mut out = Vec::new();
            push_canonical_query(&mut out, query, None);
            assert_eq!(String::from_utf8(out).unwrap(), expected, "{query}");
        }
    }

    #[test]
    fn one_parameter_may_be_left_out() {
        let mut out = Vec::new();
        push_canonical_query(&mut out, "b=2&X%2DSig=1&X-Sig=3&x-sig=4&a=1", Some("X-Sig"));
        assert_eq!(String::from_utf8(out).unwrap(), "a=1&b=2&x-sig=4");
    }
}
