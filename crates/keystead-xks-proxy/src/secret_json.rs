//! JSON with secrets in it, written without leaving copies behind.

use std::io::{self, Write};

use serde::Serialize;
use zeroize::Zeroizing;

/// `value` as JSON on one line, in memory that is zeroed on drop. Fails if `value` refuses to be serialized.
pub fn secret_json<T: Serialize>(value: &T) -> serde_json::Result<Zeroizing<Vec<u8>>> {
    in_one_piece(|writer| serde_json::to_writer(writer, value))
}

/// As [`secret_json`], on many lines for a person to read.
pub fn secret_json_pretty<T: Serialize>(value: &T) -> serde_json::Result<Zeroizing<Vec<u8>>> {
    in_one_piece(|writer| serde_json::to_writer_pretty(writer, value))
}

/// Counts first, so that the buffer never grows: growing would leave the old one behind.
fn in_one_piece(write: impl Fn(&mut dyn Write) -> serde_json::Result<()>) -> serde_json::Result<Zeroizing<Vec<u8>>> {
    let mut length = Length(0);
    write(&mut length)?;
    let mut text = Zeroizing::new(Vec::with_capacity(length.0));
    write(&mut *text)?;
    Ok(text)
}

/// Takes bytes and keeps their number.
struct Length(usize);

impl Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_buffer_fits() {
        let value = serde_json::json!({"a": "\"quoted\"", "b": [1, 2]});
        let text = secret_json(&value).unwrap();
        assert_eq!(&**text, br#"{"a":"\"quoted\"","b":[1,2]}"#);
        for text in [text, secret_json_pretty(&value).unwrap()] {
            assert_eq!(text.capacity(), text.len());
            assert_eq!(serde_json::from_slice::<serde_json::Value>(&text).unwrap(), value);
        }
    }
}
