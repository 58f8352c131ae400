//! Frames: four bytes with the length of the body (little-endian), then the body.

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

const LENGTH_BYTES: usize = 4;
/// Holds nearly every message without growing.
const BUFFER_BYTES: usize = 16 << 10;

/// Why a frame is none.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FrameError {
    /// Longer than messages are.
    #[error("a message is longer than {0} bytes")]
    TooLong(usize),
    /// More bytes than the one message that is due.
    #[error("a message is followed by bytes that nobody asked for")]
    Surplus,
    /// The body is not what it should be.
    #[error("a message cannot be read: {0}")]
    Malformed(#[from] postcard::Error),
}

/// The memory of one connection: holds one frame at a time, on its way out or in. Zeroed as far as it was used.
pub(crate) struct FrameBuffer {
    bytes: Zeroizing<Vec<u8>>,
    filled: usize,
    body_bytes_max: usize,
}

impl FrameBuffer {
    /// For bodies of at most this many bytes.
    pub(crate) fn new(body_bytes_max: usize) -> Self {
        let bytes = BUFFER_BYTES.min(LENGTH_BYTES + body_bytes_max);
        Self { bytes: Zeroizing::new(vec![0; bytes]), filled: 0, body_bytes_max }
    }

    /// Makes a frame of a message, in place of what was here.
    pub(crate) fn encode<T: Serialize>(&mut self, message: &T) -> Result<(), FrameError> {
        self.wipe();
        loop {
            match postcard::to_slice(message, &mut self.bytes[LENGTH_BYTES..]) {
                Ok(body) => {
                    let length = body.len();
                    let prefix = u32::try_from(length).map_err(|_| FrameError::TooLong(self.body_bytes_max))?;
                    self.bytes[..LENGTH_BYTES].copy_from_slice(&prefix.to_le_bytes());
                    self.filled = LENGTH_BYTES + length;
                    return Ok(());
                }
                Err(postcard::Error::SerializeBufferFull) => {
                    self.filled = self.bytes.len();
                    let bytes_max = LENGTH_BYTES + self.body_bytes_max;
                    if self.filled == bytes_max {
                        self.wipe();
                        return Err(FrameError::TooLong(self.body_bytes_max));
                    }
                    self.grow((self.filled * 2).min(bytes_max));
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The whole frame that [`FrameBuffer::encode`] made.
    pub(crate) fn frame(&self) -> &[u8] {
        &self.bytes[..self.filled]
    }

    /// Where the next bytes of an incoming frame go; never empty unless the frame is complete.
    pub(crate) fn spare(&mut self) -> &mut [u8] {
        &mut self.bytes[self.filled..]
    }

    /// Takes note of `count` bytes that came; whether the frame is complete.
    pub(crate) fn received(&mut self, count: usize) -> Result<bool, FrameError> {
        self.filled += count;
        let Some(prefix) = self.bytes[..self.filled].first_chunk::<LENGTH_BYTES>() else {
            return Ok(false);
        };
        let length = u32::from_le_bytes(*prefix) as usize;
        if length > self.body_bytes_max {
            return Err(FrameError::TooLong(self.body_bytes_max));
        }
        let whole = LENGTH_BYTES + length;
        if self.filled > whole {
            return Err(FrameError::Surplus);
        }
        if self.bytes.len() < whole {
            self.grow(whole);
        }
        Ok(self.filled == whole)
    }

    /// Reads the message of a complete frame.
    pub(crate) fn decode<'a, T: Deserialize<'a>>(&'a self) -> Result<T, FrameError> {
        let body = self.bytes.get(LENGTH_BYTES..self.filled).unwrap_or_default();
        Ok(postcard::from_bytes(body)?)
    }

    /// Zeroes what was used.
    pub(crate) fn wipe(&mut self) {
        self.bytes[..self.filled].zeroize();
        self.filled = 0;
    }

    /// Moves to more memory; the old is zeroed.
    fn grow(&mut self, bytes: usize) {
        let mut larger = Zeroizing::new(vec![0; bytes]);
        larger[..self.filled].copy_from_slice(&self.bytes[..self.filled]);
        self.bytes = larger;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn arrive(bytes: &[u8], chunk: usize, max: usize) -> Result<FrameBuffer, FrameError> {
        let mut buffer = FrameBuffer::new(max);
        let mut complete = false;
        for part in bytes.chunks(chunk) {
            buffer.spare()[..part.len()].copy_from_slice(part);
            complete = buffer.received(part.len())?;
        }
        assert!(complete);
        Ok(buffer)
    }

    #[test]
    fn a_message_arrives_in_whatever_pieces() {
        let message = "x".repeat(50_000);
        let mut out = FrameBuffer::new(1 << 20);
        out.encode(&message).unwrap();
        for chunk in [1, 3, 5000, 16 << 10] {
            let back = arrive(out.frame(), chunk, 1 << 20).unwrap();
            assert_eq!(back.decode::<String>().unwrap(), message);
        }
    }

    #[test]
    fn what_is_no_message_is_refused() {
        assert!(matches!(FrameBuffer::new(100).encode(&"x".repeat(101)), Err(FrameError::TooLong(100))));
        assert!(matches!(arrive(&[255; 8], 8, 100), Err(FrameError::TooLong(100))));
        assert!(matches!(arrive(&[1, 0, 0, 0, 7, 7], 6, 100), Err(FrameError::Surplus)));
        let cut = arrive(&[2, 0, 0, 0, 9, 65], 6, 100).unwrap();
        assert!(matches!(cut.decode::<String>(), Err(FrameError::Malformed(_))));
    }

    #[test]
    fn nothing_is_left_behind() {
        let mut buffer = FrameBuffer::new(100);
        buffer.encode(&"secret").unwrap();
        buffer.wipe();
        assert!(buffer.bytes.iter().all(|&byte| byte == 0));
    }
}
