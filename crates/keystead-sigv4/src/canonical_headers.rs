//! The header lines of the canonical request, and how names and values are matched.
//!
//! Header values are bytes: HTTP allows them to be other than UTF-8, and so does the signature.

/// One header as it arrived: name in any case, value as bytes.
pub(crate) type Header<'a> = (&'a str, &'a [u8]);

/// HTTP/2's name for what `host` says in HTTP/1.1.
const AUTHORITY: &str = ":authority";

/// The values of the header `name`, in order of arrival.
///
/// `:authority` is also found under `host`, since servers hand the authority over under that name.
pub(crate) fn values<'a>(headers: &'a [Header<'a>], name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    let name = if name == AUTHORITY && !has_exactly(headers, AUTHORITY) { "host" } else { name };
    headers.iter().filter(move |(candidate, _)| candidate.eq_ignore_ascii_case(name)).map(|&(_, value)| value)
}

fn has_exactly(headers: &[Header<'_>], name: &str) -> bool {
    headers.iter().any(|(candidate, _)| candidate.eq_ignore_ascii_case(name))
}

/// Whether the request has the header `name`.
pub(crate) fn is_present(headers: &[Header<'_>], name: &str) -> bool {
    values(headers, name).next().is_some()
}

/// Whether the signature covers the header `name` (lower case); the authority stands for `host` in HTTP/2.
pub(crate) fn is_signed(signed_headers: &[&str], name: &str) -> bool {
    signed_headers.contains(&name) || (name == "host" && signed_headers.contains(&AUTHORITY))
}

/// The lower-case names of `headers`, sorted, each once: what a signer lists as SignedHeaders.
pub(crate) fn sorted_names(headers: &[Header<'_>]) -> Vec<String> {
    let mut names: Vec<String> = headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Appends `name:value`, newline, for each signed header; values of one name are joined by commas in order of arrival.
pub(crate) fn push_canonical_headers<S: AsRef<str>>(out: &mut Vec<u8>, signed_headers: &[S], headers: &[Header<'_>]) {
    for name in signed_headers {
        let name = name.as_ref();
        out.extend_from_slice(name.as_bytes());
        out.push(b':');
        for (index, value) in values(headers, name).enumerate() {
            if index > 0 {
                out.push(b',');
            }
            push_collapsed(out, value);
        }
        out.push(b'\n');
    }
}

/// Appends the names, joined by `;`.
pub(crate) fn push_names<S: AsRef<str>>(out: &mut Vec<u8>, signed_headers: &[S]) {
    for (index, name) in signed_headers.iter().enumerate() {
        if index > 0 {
            out.push(b';');
        }
        out.extend_from_slice(name.as_ref().as_bytes());
    }
}

/// Appends `value` without blanks at its ends, and with one space for each run of blanks inside.
fn push_collapsed(out: &mut Vec<u8>, value: &[u8]) {
    let words = value.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    for (index, word) in words.enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_collapse() {
        let rows: [(&[u8], &[u8]); 7] = [
            (b"", b""),
            (b"  \t ", b""),
            (b"a", b"a"),
            (b" a ", b"a"),
            (b"\"a   b\t\tc\"", b"\"a b c\""),
            (b"value1\r\n  value2", b"value1 value2"),
            (b" \xff  \xfe ", b"\xff \xfe"),
        ];
        for (value, expected) in rows {
            let mut out = Vec::new();
            push_collapsed(&mut out, value);
            assert_eq!(out, expected);
        }
    }

    #[test]
    fn values_of_one_name_are_joined_in_order() {
        let headers: [Header<'_>; 4] = [("B", b"2"), ("a", b" x "), ("b", b""), ("b", b"1")];
        let mut out = Vec::new();
        push_canonical_headers(&mut out, &["a", "b", "c"], &headers);
        assert_eq!(out, b"a:x\nb:2,,1\nc:\n");
        assert_eq!(sorted_names(&headers), ["a", "b"]);
    }

    #[test]
    fn the_authority_is_the_host() {
        let http2: [Header<'_>; 1] = [("Host", b"xks.example.com")];
        assert!(is_present(&http2, ":authority"));
        assert!(is_signed(&[":authority"], "host"));
        assert!(!is_signed(&[":authority"], "x-amz-target"));
        let mut out = Vec::new();
        push_canonical_headers(&mut out, &[":authority"], &http2);
        assert_eq!(out, b":authority:xks.example.com\n");
    }
}
