//! What the HTTP library answers by itself, made an answer of this service.
//!
//! To a head that it cannot read (a malformed request line, too many headers, more bytes than its buffer) the library answers with a bare
//! status, before there is a request. [`Answering`] stands between the library and the client, keeps that answer back, and sends one
//! that is recorded and carries the request ID, as every other does.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use http::{Response, StatusCode};
use http_body_util::{BodyExt, Full};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::connection::ConnectionContext;
use crate::front::{Front, REQUEST_ID};

const HEAD_END: &[u8] = b"\r\n\r\n";
const VERSION_START: &[u8] = b"HTTP/1.";
/// Where the status stands in a head, after `HTTP/1.1` and a blank.
const STATUS_AT: std::ops::Range<usize> = 9..12;
/// So much of what the client still sends is read and thrown away: a socket that is closed with bytes unread resets the connection, and
/// the client would lose the answer.
const DISCARDED_BYTES_MAX: usize = 1024 * 1024;

/// A stream whose client gets this service's answer in place of the library's own.
pub(crate) struct Answering<S> {
    stream: S,
    context: Arc<ConnectionContext>,
    state: State,
}

enum State {
    /// What the library writes goes to the client.
    Passing,
    /// The library has given its last answer; the service's is being recorded.
    Recording(Pin<Box<dyn Future<Output = Bytes> + Send>>),
    /// This much of it is left to write.
    Writing(Bytes),
    /// It is written; so many bytes of input are thrown away yet.
    Discarding(usize),
}

impl<S> Answering<S> {
    pub(crate) fn new(stream: S, context: Arc<ConnectionContext>) -> Self {
        Self { stream, context, state: State::Passing }
    }

    fn record(&mut self, library_answer: &[u8]) {
        let status = library_answer.get(STATUS_AT).and_then(|status| StatusCode::from_bytes(status).ok());
        let status = status.unwrap_or(StatusCode::BAD_REQUEST);
        let date = date_line(library_answer);
        let context = self.context.clone();
        let answer = async move { encoded(Front::refuse_unreadable(context, status).await, &date).await };
        self.state = State::Recording(Box::pin(answer));
    }
}

impl<S: AsyncWrite + Unpin> Answering<S> {
    /// Ready once there is no answer left to send.
    fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            match &mut self.state {
                State::Passing | State::Discarding(_) => return Poll::Ready(Ok(())),
                State::Recording(answer) => self.state = State::Writing(ready!(answer.as_mut().poll(cx))),
                State::Writing(rest) if rest.is_empty() => self.state = State::Discarding(DISCARDED_BYTES_MAX),
                State::Writing(rest) => match ready!(Pin::new(&mut self.stream).poll_write(cx, rest))? {
                    0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    written => rest.advance(written),
                },
            }
        }
    }
}

impl<S: AsyncRead + Unpin> Answering<S> {
    /// Ready once the client has nothing more to send, or too much.
    fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let State::Discarding(left) = &mut self.state else { return Poll::Ready(()) };
        let mut room = [0; 4096];
        while *left > 0 {
            let mut buf = ReadBuf::new(&mut room);
            match ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buf)) {
                Ok(()) if !buf.filled().is_empty() => *left = left.saturating_sub(buf.filled().len()),
                // The client is through, or gone.
                Ok(()) | Err(_) => break,
            }
        }
        Poll::Ready(())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Answering<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Answering<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match library_answer_at(buf) {
            Some(0) => {
                self.record(buf);
                Poll::Ready(Ok(buf.len()))
            }
            // The answer to an earlier request goes out first.
            Some(start) => Pin::new(&mut self.stream).poll_write(cx, &buf[..start]),
            None => Pin::new(&mut self.stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_answer(cx))?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_answer(cx))?;
        ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
        self.poll_discard(cx).map(Ok)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match bufs.iter().find(|buf| !buf.is_empty()) {
            Some(first) if library_answer_at(first).is_some() => self.poll_write(cx, first),
            _ => Pin::new(&mut self.stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// Where in what the library writes its own answer begins, if there is one: the last thing it writes, a head with a status of 4xx and no
/// request ID.
///
/// Nothing else looks like it. The front's answers have the ID in the head, their bodies end with a brace or a tag and not with a line end,
/// and a frame of HTTP/2 holds no head in clear.
fn library_answer_at(written: &[u8]) -> Option<usize> {
    let head = written.strip_suffix(HEAD_END)?;
    let start = head.windows(VERSION_START.len()).rposition(|window| window == VERSION_START)?;
    let head = &head[start..];
    let of_the_front = head.windows(REQUEST_ID.len()).any(|window| window == REQUEST_ID.as_bytes());
    (head.get(STATUS_AT.start) == Some(&b'4') && !of_the_front).then_some(start)
}

/// The library's `Date`, with its line end; empty if there is none.
fn date_line(head: &[u8]) -> String {
    let text = String::from_utf8_lossy(head);
    text.split_inclusive("\r\n").find(|line| line.starts_with("date:")).unwrap_or_default().to_owned()
}

async fn encoded(response: Response<Full<Bytes>>, date: &str) -> Bytes {
    let (head, body) = response.into_parts();
    let mut text = format!("HTTP/1.1 {}\r\n{date}", head.status).into_bytes();
    for (name, value) in &head.headers {
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            text.extend_from_slice(part);
        }
    }
    text.extend_from_slice(b"\r\n");
    match body.collect().await {
        Ok(body) => text.extend_from_slice(&body.to_bytes()),
        Err(never) => match never {},
    }
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BARE: &str = "HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\ndate: now\r\n\r\n";
    const FRONT: &str = "HTTP/1.1 400 Bad Request\r\nx-amzn-requestid: 1\r\ncontent-length: 0\r\n\r\n";

    #[test]
    fn only_the_librarys_own_answer_is_told() {
        let rows = [
            (BARE.to_owned(), Some(0)),
            (format!("{FRONT}{BARE}"), Some(FRONT.len())),
            (format!("{{\"of\":\"HTTP/1.1 431\"}}{BARE}"), Some(21)),
            (FRONT.to_owned(), None),
            (format!("{FRONT}{{}}"), None),
            ("HTTP/1.1 100 Continue\r\n\r\n".to_owned(), None),
            ("{\"message\":\"HTTP/1.1 431 \"}".to_owned(), None),
            ("HTTP/1.\r\n\r\n".to_owned(), None),
            ("\r\n\r\n".to_owned(), None),
            (String::new(), None),
        ];
        for (written, expected) in rows {
            assert_eq!(library_answer_at(written.as_bytes()), expected, "{written}");
        }
        assert_eq!(date_line(BARE.as_bytes()), "date: now\r\n");
        assert_eq!(date_line(FRONT.as_bytes()), "");
    }
}
