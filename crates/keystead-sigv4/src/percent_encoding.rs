//! `UriEncode` of the Signature Version 4 documentation: every byte but the unreserved ones becomes `%XX`, upper case.

const UPPER_DIGITS: &[u8; 16] = b"0123456789ABCDEF";

/// Unreserved characters of RFC 3986, section 2.3: the only ones that stand for themselves.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// Appends `byte`, encoded unless it is unreserved.
pub(crate) fn push_encoded(out: &mut Vec<u8>, byte: u8) {
    if is_unreserved(byte) {
        out.push(byte);
    } else {
        out.extend_from_slice(&[b'%', UPPER_DIGITS[usize::from(byte >> 4)], UPPER_DIGITS[usize::from(byte & 15)]]);
    }
}

/// The byte that `text` starts with and the bytes that spell it: `%XX` is one byte, anything else stands for itself.
///
/// A `%` without two digits after it is a plain `%`. `None` at the end.
pub(crate) fn first_decoded(text: &[u8]) -> Option<(u8, &[u8])> {
    let (&first, rest) = text.split_first()?;
    if let (b'%', [high, low, rest @ ..]) = (first, rest)
        && let (Some(high), Some(low)) = (hex_digit(*high), hex_digit(*low))
    {
        return Some((high << 4 | low, rest));
    }
    Some((first, rest))
}

/// The bytes that a name or a value of a form spells: `%XX` is one byte, `+` a blank.
pub(crate) fn form_decoded(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut left = text.as_bytes();
    while let Some((byte, rest)) = first_decoded(left) {
        let plus_sign = left.first() == Some(&b'+');
        out.push(if plus_sign { b' ' } else { byte });
        left = rest;
    }
    out
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Text; its first byte and what is left.
    type Row = (&'static [u8], Option<(u8, &'static [u8])>);

    #[test]
    fn all_but_the_unreserved_bytes_are_encoded() {
        let unreserved = b"-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        for byte in 0..=255 {
            let mut out = Vec::new();
            push_encoded(&mut out, byte);
            let expected = if unreserved.contains(&byte) { vec![byte] } else { format!("%{byte:02X}").into_bytes() };
            assert_eq!(out, expected);
        }
    }

    #[test]
    fn decodes_forms() {
        for (text, expected) in [("", ""), ("a+b", "a b"), ("a%2Bb", "a+b"), ("%41%", "A%")] {
            assert_eq!(form_decoded(text), expected.as_bytes());
        }
    }

    #[test]
    fn decodes_one_byte_at_a_time() {
        let rows: [Row; 7] = [
            (b"", None),
            (b"ab", Some((b'a', b"b"))),
            (b"%41b", Some((b'A', b"b"))),
            (b"%e1", Some((0xe1, b""))),
            (b"%", Some((b'%', b""))),
            (b"%4", Some((b'%', b"4"))),
            (b"%zz", Some((b'%', b"zz"))),
        ];
        for (text, expected) in rows {
            assert_eq!(first_decoded(text), expected);
        }
    }
}
