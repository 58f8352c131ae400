//! What a connection is doing, so that one that does nothing, or that is too slow, can be told and ended.
//!
//! The HTTP library's own timer counts the time between two requests as part of the next head, does not run while it finds out the HTTP
//! version, and has no equal in HTTP/2. So the server watches for itself: it notes when bytes arrive and when requests begin and end.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, sleep_until};

/// Stands for "no head has begun".
const NONE: u64 = u64::MAX;

/// What one connection is doing. Times are milliseconds since it was accepted.
pub(crate) struct Activity {
    accepted: Instant,
    header_timeout: Duration,
    idle_timeout: Duration,
    requests: AtomicUsize,
    quiet_since_ms: AtomicU64,
    head_since_ms: AtomicU64,
    http2: AtomicBool,
}

/// Why a connection is to end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Overdue {
    /// The head of a request, or the first request, has not come in time.
    Head,
    /// There was no request for too long.
    Idle,
}

/// Lasts as long as a request is served.
pub(crate) struct Serving(Arc<Activity>);

impl Activity {
    /// Of a connection accepted now: its first request is awaited.
    pub(crate) fn begin(header_timeout: Duration, idle_timeout: Duration) -> Arc<Self> {
        Arc::new(Self {
            accepted: Instant::now(),
            header_timeout,
            idle_timeout,
            requests: AtomicUsize::new(0),
            quiet_since_ms: AtomicU64::new(0),
            head_since_ms: AtomicU64::new(0),
            http2: AtomicBool::new(false),
        })
    }

    /// Notes that a request's head is complete.
    pub(crate) fn request(self: &Arc<Self>, http2: bool) -> Serving {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.head_since_ms.store(NONE, Ordering::Relaxed);
        self.http2.store(http2, Ordering::Relaxed);
        Serving(self.clone())
    }

    /// Notes that bytes came. Between requests of HTTP/1 they begin a head; in HTTP/2 they may be anything.
    fn bytes_came(&self) {
        let between = self.requests.load(Ordering::Relaxed) == 0 && !self.http2.load(Ordering::Relaxed);
        if between && self.head_since_ms.load(Ordering::Relaxed) == NONE {
            self.head_since_ms.store(self.now_ms(), Ordering::Relaxed);
        }
    }

    /// Returns when the connection is to end.
    pub(crate) async fn overdue(&self) -> Overdue {
        // A head may begin as soon as nobody looks, so look again no later than it would be overdue.
        let look_again = self.header_timeout.min(self.idle_timeout);
        loop {
            let now = Instant::now();
            let at = match self.deadline() {
                Some((deadline, overdue)) if deadline <= now => return overdue,
                Some((deadline, _)) => deadline.min(now + look_again),
                None => now + look_again,
            };
            sleep_until(at).await;
        }
    }

    /// Returns once no request has been served for `time` from now on.
    pub(crate) async fn quiet_for(&self, time: Duration) {
        let called = Instant::now();
        loop {
            let now = Instant::now();
            let quiet_since = self.accepted + Duration::from_millis(self.quiet_since_ms.load(Ordering::Relaxed));
            let at = match self.requests.load(Ordering::Relaxed) {
                0 => called.max(quiet_since) + time,
                _ => now + time,
            };
            if at <= now {
                return;
            }
            sleep_until(at).await;
        }
    }

    /// When the connection will be overdue if nothing comes; `None` while a request is served, which has timeouts of its own.
    fn deadline(&self) -> Option<(Instant, Overdue)> {
        if self.requests.load(Ordering::Relaxed) > 0 {
            return None;
        }
        let head_since_ms = self.head_since_ms.load(Ordering::Relaxed);
        let (since_ms, timeout, overdue) = if head_since_ms == NONE {
            (self.quiet_since_ms.load(Ordering::Relaxed), self.idle_timeout, Overdue::Idle)
        } else {
            (head_since_ms, self.header_timeout, Overdue::Head)
        };
        Some((self.accepted + Duration::from_millis(since_ms) + timeout, overdue))
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.accepted.elapsed().as_millis()).unwrap_or(NONE - 1)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.quiet_since_ms.store(self.0.now_ms(), Ordering::Relaxed);
        self.0.requests.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A stream that notes in an [`Activity`] when bytes come.
pub(crate) struct Watched<S> {
    stream: S,
    activity: Arc<Activity>,
}

impl<S> Watched<S> {
    pub(crate) fn new(stream: S, activity: Arc<Activity>) -> Self {
        Self { stream, activity }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.activity.bytes_came();
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: Duration = Duration::from_secs(10);
    const IDLE: Duration = Duration::from_secs(90);

    fn seconds(activity: &Activity) -> u64 {
        activity.accepted.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_request_must_come_in_time() {
        let activity = Activity::begin(HEADER, IDLE);
        assert_eq!((activity.overdue().await, seconds(&activity)), (Overdue::Head, 10));
    }

    #[tokio::test(start_paused = true)]
    async fn between_requests_there_is_the_idle_time() {
        let activity = Activity::begin(HEADER, IDLE);
        let request = activity.request(false);
        tokio::time::advance(Duration::from_secs(200)).await;
        drop(request);
        assert_eq!((activity.overdue().await, seconds(&activity)), (Overdue::Idle, 290));
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_in_flight_is_never_overdue() {
        let activity = Activity::begin(HEADER, IDLE);
        let _request = activity.request(false);
        let overdue = tokio::time::timeout(Duration::from_secs(100_000), activity.overdue()).await;
        assert!(overdue.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn quiet_is_when_no_request_was_served_for_a_while() {
        let activity = Activity::begin(HEADER, IDLE);
        tokio::time::advance(Duration::from_secs(50)).await;
        activity.quiet_for(Duration::from_secs(1)).await;
        assert_eq!(seconds(&activity), 51);
        let request = activity.request(false);
        let answer = async {
            tokio::time::sleep(Duration::from_secs(20)).await;
            drop(request);
        };
        tokio::join!(activity.quiet_for(Duration::from_secs(3)), answer);
        assert_eq!(seconds(&activity), 74);
    }

    #[tokio::test(start_paused = true)]
    async fn a_further_head_has_the_time_of_a_head_in_http_1_only() {
        for (http2, expected) in [(false, (Overdue::Head, 10)), (true, (Overdue::Idle, 90))] {
            let activity = Activity::begin(HEADER, IDLE);
            drop(activity.request(http2));
            activity.bytes_came();
            assert_eq!((activity.overdue().await, seconds(&activity)), expected);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_begins_while_the_watch_sleeps_is_noticed_in_time() {
        let activity = Activity::begin(HEADER, IDLE);
        drop(activity.request(false));
        let begin_head = async {
            tokio::time::sleep(Duration::from_secs(33)).await;
            activity.bytes_came();
            std::future::pending::<()>().await;
        };
        let overdue = tokio::select! {
            overdue = activity.overdue() => Some(overdue),
            () = begin_head => None,
        };
        assert_eq!((overdue, seconds(&activity)), (Some(Overdue::Head), 43));
    }
}
