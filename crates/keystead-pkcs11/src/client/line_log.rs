//! What a worker process writes, into the log.

use tokio::io::{AsyncRead, AsyncReadExt};

/// Longer lines are cut: they are a vendor's, and nobody bounds them.
const LINE_BYTES_MAX: usize = 1024;

/// The lines of a stream, without their ends, each cut to [`LINE_BYTES_MAX`].
pub(super) struct Lines<R> {
    stream: R,
    chunk: Box<[u8]>,
    unread: std::ops::Range<usize>,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(super) fn new(stream: R) -> Self {
        Self { stream, chunk: vec![0; LINE_BYTES_MAX].into_boxed_slice(), unread: 0..0 }
    }

    /// The next line; `None` at the end of the stream, or when it cannot be read any more.
    pub(super) async fn next(&mut self) -> Option<String> {
        let mut line = Vec::new();
        loop {
            let bytes = &self.chunk[self.unread.clone()];
            let end = bytes.iter().position(|&byte| byte == b'\n');
            let taken = end.unwrap_or(bytes.len());
            let room = LINE_BYTES_MAX.saturating_sub(line.len());
            line.extend_from_slice(&bytes[..taken.min(room)]);
            self.unread.start += taken + usize::from(end.is_some());
            if end.is_some() {
                return Some(String::from_utf8_lossy(&line).into_owned());
            }
            match self.stream.read(&mut self.chunk).await {
                Ok(count) if count > 0 => self.unread = 0..count,
                Ok(_) | Err(_) if line.is_empty() => return None,
                Ok(_) | Err(_) => {
                    self.unread = 0..0;
                    return Some(String::from_utf8_lossy(&line).into_owned());
                }
            }
        }
    }
}

/// Logs every line until the stream ends.
pub(super) async fn log_lines<R: AsyncRead + Unpin>(hsm_id: String, stream: R) {
    let mut lines = Lines::new(stream);
    while let Some(line) = lines.next().await {
        tracing::warn!(hsm = %hsm_id, "its worker says: {}", line.escape_debug());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_of_every_length() {
        let long = "x".repeat(3000);
        let text = format!("one\n\n{long}\nlast");
        let mut lines = Lines::new(text.as_bytes());
        assert_eq!(lines.next().await.as_deref(), Some("one"));
        assert_eq!(lines.next().await.as_deref(), Some(""));
        assert_eq!(lines.next().await.as_deref(), Some(&long[..LINE_BYTES_MAX]));
        assert_eq!(lines.next().await.as_deref(), Some("last"));
        assert_eq!(lines.next().await, None);
    }
}
