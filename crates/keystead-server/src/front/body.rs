//! The body of a request, into memory that is zeroed, and never more of it than the limit.
//!
//! The HTTP library's own read buffers are out of reach and are not zeroed.

use std::time::Duration;

use bytes::{Buf, Bytes};
use http_body_util::BodyExt;
use hyper::body::Body;
use keystead_core::KmsError;
use keystead_model::kms::Exception;
use tokio::time::{Instant, timeout_at};
use zeroize::Zeroizing;

use super::refusal::Refusal;

/// So much is reserved at once for a body of a declared length; the rest as it comes.
const RESERVED_BYTES_MAX: usize = 64 * 1024;

/// How much of a body, and how long.
#[derive(Clone, Copy, Debug)]
pub(super) struct BodyLimits {
    pub(super) bytes_max: usize,
    pub(super) timeout: Duration,
}

/// Why a body was not read to its end.
#[derive(Debug)]
enum Unread {
    TooLarge,
    Late,
    Broken(String),
}

/// Reads the whole body, until `deadline` at the latest, which is `limits.timeout` after the end of the head.
///
/// Fails with 413 as soon as it is known to be too large, with 408 when it has not come in time.
pub(super) async fn read<B>(body: &mut B, limits: BodyLimits, deadline: Instant) -> Result<Zeroizing<Vec<u8>>, Refusal>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    let read = timeout_at(deadline, collect(body, limits.bytes_max)).await;
    read.unwrap_or(Err(Unread::Late)).map_err(|unread| refusal(&unread, limits))
}

async fn collect<B>(body: &mut B, bytes_max: usize) -> Result<Zeroizing<Vec<u8>>, Unread>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    let declared = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if declared > bytes_max {
        return Err(Unread::TooLarge);
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(declared.min(RESERVED_BYTES_MAX)));
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Unread::Broken(error.to_string()))?;
        // Trailers mean nothing to this protocol.
        if let Ok(data) = frame.into_data() {
            if data.remaining() > bytes_max - bytes.len() {
                return Err(Unread::TooLarge);
            }
            append(&mut bytes, &data);
        }
    }
    Ok(bytes)
}

/// Appends without leaving an unzeroed copy behind, as a growing `Vec` would.
fn append(bytes: &mut Zeroizing<Vec<u8>>, data: &[u8]) {
    let needed = bytes.len() + data.len();
    if needed > bytes.capacity() {
        let mut grown = Zeroizing::new(Vec::with_capacity(needed.max(2 * bytes.capacity())));
        grown.extend_from_slice(bytes);
        *bytes = grown;
    }
    bytes.extend_from_slice(data);
}

/// Reads and throws away what is left of the body of a refused request, so that its client, who may write all of it before it reads,
/// gets the answer and not a reset connection. Gives up, and returns false, when that takes too long or more than `bytes_max`.
pub(super) async fn discard<B: Body<Data = Bytes> + Unpin>(body: &mut B, bytes_max: usize, deadline: Instant) -> bool {
    if body.size_hint().lower() > bytes_max as u64 {
        return false;
    }
    let rest = async {
        let mut bytes = 0;
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else { return false };
            bytes += frame.data_ref().map_or(0, Bytes::len);
            if bytes > bytes_max {
                return false;
            }
        }
        true
    };
    timeout_at(deadline, rest).await.unwrap_or(false)
}

/// The exceptions are unverified; the statuses are HTTP's.
fn refusal(unread: &Unread, limits: BodyLimits) -> Refusal {
    match unread {
        Unread::TooLarge => {
            let max = limits.bytes_max;
            let message = format!("The body of the request is too long. It must not be longer than {max} bytes.");
            Refusal::new(KmsError::new(Exception::RequestEntityTooLarge, message))
        }
        Unread::Late => {
            let timeout = limits.timeout;
            let message = format!("The body of the request did not arrive within {timeout:?}. Send it again, faster.");
            Refusal::with_status(KmsError::new(Exception::Serialization, message), 408)
        }
        Unread::Broken(error) => {
            let message = format!("The body of the request did not arrive whole: {error}.");
            Refusal::new(KmsError::new(Exception::Serialization, message))
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use http_body_util::Full;
    use hyper::body::{Frame, SizeHint};

    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(20);

    /// A body in pieces, of no declared length; it ends, or never does.
    struct Pieces {
        left: Vec<&'static [u8]>,
        ends: bool,
    }

    impl Body for Pieces {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            match self.left.pop() {
                Some(piece) => Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(piece))))),
                None if self.ends => Poll::Ready(None),
                None => Poll::Pending,
            }
        }

        fn size_hint(&self) -> SizeHint {
            SizeHint::default()
        }
    }

    fn limits(bytes_max: usize) -> BodyLimits {
        BodyLimits { bytes_max, timeout: TIMEOUT }
    }

    fn deadline() -> Instant {
        Instant::now() + TIMEOUT
    }

    #[tokio::test(start_paused = true)]
    async fn reads_up_to_the_limit() {
        for length in [0, 1, 1000] {
            let mut body = Full::new(Bytes::from(vec![7; length]));
            assert_eq!(read(&mut body, limits(1000), deadline()).await.unwrap().as_slice(), vec![7; length]);
        }
        let mut pieces = Pieces { left: vec![b"c", b"bb", b"a"], ends: true };
        assert_eq!(read(&mut pieces, limits(4), deadline()).await.unwrap().as_slice(), b"abbc");
    }

    #[tokio::test(start_paused = true)]
    async fn too_large_is_told_before_the_end() {
        let mut declared = Full::new(Bytes::from(vec![7; 1001]));
        let mut endless = Pieces { left: vec![b"bb", b"aaa"], ends: false };
        let refusals =
            [read(&mut declared, limits(1000), deadline()).await, read(&mut endless, limits(4), deadline()).await];
        for refusal in refusals {
            assert_eq!(refusal.unwrap_err().error.exception, Exception::RequestEntityTooLarge);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_end_is_late() {
        let mut endless = Pieces { left: vec![b"a"], ends: false };
        let refusal = read(&mut endless, limits(4), deadline()).await.unwrap_err();
        assert_eq!((refusal.error.exception, refusal.status), (Exception::Serialization, Some(408)));
        assert!(refusal.error.message.unwrap().contains("within 20s"));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_discarded_is_bounded_too() {
        static KIBIBYTE: [u8; 1024] = [7; 1024];
        for (pieces, discarded) in [(1, true), (4, true), (5, false)] {
            let mut whole = Full::new(Bytes::from(KIBIBYTE.repeat(pieces)));
            assert_eq!(discard(&mut whole, 4096, deadline()).await, discarded);
            let mut in_pieces = Pieces { left: vec![&KIBIBYTE; pieces], ends: true };
            assert_eq!(discard(&mut in_pieces, 4096, deadline()).await, discarded);
        }
        assert!(!discard(&mut Pieces { left: vec![b"a"], ends: false }, 4096, deadline()).await);
    }

    #[test]
    fn growing_keeps_what_was_there() {
        let mut bytes = Zeroizing::new(Vec::new());
        for _ in 0..100 {
            append(&mut bytes, b"0123456789");
        }
        assert_eq!(bytes.as_slice(), b"0123456789".repeat(100));
    }
}
