//! The second line of the canonical request: the path.

use crate::percent_encoding::push_encoded;

/// How the path of the request target becomes the canonical URI.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PathMode {
    /// Normalize dot segments, and percent-encode (most services).
    ///
    /// `.` and `..` and empty segments are resolved, then each byte that is not unreserved is encoded, `%` too: a path
    /// that arrives encoded is encoded twice, as the documentation asks of every service but S3.
    Normalize,
    /// Every segment stays, and so does a `%XX` that is there; only bytes that have no place in a path are encoded.
    AsIs,
}

/// Appends the canonical form of `path`; an empty path is `/`.
pub(crate) fn push_canonical_uri(out: &mut Vec<u8>, path: &str, mode: PathMode) {
    match mode {
        PathMode::Normalize => push_normalized(out, path),
        PathMode::AsIs if path.is_empty() => out.push(b'/'),
        PathMode::AsIs => path.bytes().for_each(|byte| match byte {
            b'/' | b'%' => out.push(byte),
            _ => push_encoded(out, byte),
        }),
    }
}

/// As the AWS SDKs do it: runs of slashes are one, `..` at the top is dropped, and a slash ends the result only if it ended
/// the path (RFC 3986 would also put one after a final `..`).
fn push_normalized(out: &mut Vec<u8>, path: &str) {
    let mut kept = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(kept.pop()),
            _ => kept.push(segment),
        }
    }
    for segment in &kept {
        out.push(b'/');
        segment.bytes().for_each(|byte| push_encoded(out, byte));
    }
    if kept.is_empty() || path.ends_with('/') {
        out.push(b'/');
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Path, normalized, as it is.
    const PATHS: &[(&str, &str, &str)] = &[
        ("", "/", "/"),
        ("/", "/", "/"),
        ("//", "/", "//"),
        ("/./", "/", "/./"),
        ("/example/..", "/", "/example/.."),
        ("/../../x", "/x", "/../../x"),
        ("/a/b/..", "/a", "/a/b/.."),
        ("/a/b/../", "/a/", "/a/b/../"),
        ("//a//b//", "/a/b/", "//a//b//"),
        ("/...", "/...", "/..."),
        ("/a b", "/a%20b", "/a%20b"),
        ("/a%20b", "/a%2520b", "/a%20b"),
        ("/a%2Fb", "/a%252Fb", "/a%2Fb"),
        ("/a+b=c:d@e", "/a%2Bb%3Dc%3Ad%40e", "/a%2Bb%3Dc%3Ad%40e"),
        ("/ሴ", "/%E1%88%B4", "/%E1%88%B4"),
        ("/example/kms/xks/v1/health", "/example/kms/xks/v1/health", "/example/kms/xks/v1/health"),
    ];

    fn canonical(path: &str, mode: PathMode) -> String {
        let mut out = Vec::new();
        push_canonical_uri(&mut out, path, mode);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn table() {
        for &(path, normalized, as_is) in PATHS {
            assert_eq!(canonical(path, PathMode::Normalize), normalized, "{path}");
            assert_eq!(canonical(path, PathMode::AsIs), as_is, "{path}");
        }
    }
}
