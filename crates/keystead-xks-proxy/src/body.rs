//! Request bodies: bounded in size and time each, and in memory all together.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout, timeout_at};
use zeroize::{Zeroize, Zeroizing};

use crate::config::LimitsConfig;
use crate::refusal::Refusal;

/// A body that is too long is read to its end and discarded, up to this many times the longest allowed: then its sender
/// hears why. A longer one is cut off.
const DISCARD_FACTOR: usize = 8;
/// The budget is counted in blocks of this size.
const BLOCK_BYTES: usize = 1024;

/// Reads bodies within the limits.
pub(crate) struct Bodies {
    /// Of all bodies in memory together, in blocks.
    budget: Semaphore,
    body_max_bytes: usize,
    timeout: Duration,
}

/// A body in memory. It is zeroed, and its share of the budget given back, on drop.
pub(crate) struct Body<'a> {
    bytes: Zeroizing<Vec<u8>>,
    _share: SemaphorePermit<'a>,
}

impl Body<'_> {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl Bodies {
    pub(crate) fn new(limits: &LimitsConfig) -> Self {
        let blocks = limits.bodies_max_bytes.div_ceil(BLOCK_BYTES).min(Semaphore::MAX_PERMITS);
        Self {
            budget: Semaphore::new(blocks),
            body_max_bytes: limits.body_max_bytes,
            timeout: limits.body_read_timeout(),
        }
    }

    /// Fails with UnsupportedOperationException if the body is too long, ValidationException if it does not come, and
    /// ThrottlingException if others take all the room.
    pub(crate) async fn read(&self, body: Incoming) -> Result<Body<'_>, Refusal> {
        if usize::try_from(body.size_hint().lower()).is_ok_and(|bytes| bytes <= self.body_max_bytes) {
            return self.read_within(body, Instant::now() + self.timeout).await;
        }
        self.discard(body).await;
        Err(self.too_long())
    }

    /// Takes in the body of a request that is refused, and keeps nothing: an answer ahead of it would end in a connection reset.
    pub(crate) async fn discard(&self, body: Incoming) {
        // Whether it came whole does not matter any more.
        let _ = timeout(self.timeout, read_to_end(body, self.body_max_bytes, drop)).await;
    }

    async fn read_within(&self, body: Incoming, deadline: Instant) -> Result<Body<'_>, Refusal> {
        let reserving = timeout_at(deadline, self.reserve(&body));
        let share = reserving.await.map_err(|_| Refusal::throttling("too many request bodies at once"))??;
        let announced = usize::try_from(body.size_hint().lower()).unwrap_or(0);
        let mut bytes = Zeroizing::new(Vec::with_capacity(announced));
        let reading = read_to_end(body, self.body_max_bytes, |data| append_zeroizing(&mut bytes, data));
        let received = timeout_at(deadline, reading).await.map_err(|_| self.incomplete())??;
        match received <= self.body_max_bytes {
            true => Ok(Body { bytes, _share: share }),
            false => Err(self.too_long()),
        }
    }

    /// Room for all that may come.
    async fn reserve(&self, body: &Incoming) -> Result<SemaphorePermit<'_>, Refusal> {
        let announced = body.size_hint().upper().and_then(|bytes| usize::try_from(bytes).ok());
        let bytes = announced.unwrap_or(usize::MAX).min(self.body_max_bytes);
        let blocks = u32::try_from(bytes.div_ceil(BLOCK_BYTES)).unwrap_or(u32::MAX);
        self.budget.acquire_many(blocks).await.map_err(|_| Refusal::internal("request bodies are no longer read"))
    }

    fn too_long(&self) -> Refusal {
        Refusal::unsupported(&format!("the request body has more than {} bytes", self.body_max_bytes))
    }

    fn incomplete(&self) -> Refusal {
        Refusal::validation(&format!("the request body was not complete within {} ms", self.timeout.as_millis()))
    }
}

/// Hands over the first `max_bytes` of a body, reads on as far as the discard limit, and returns how many bytes there are.
async fn read_to_end(mut body: Incoming, max_bytes: usize, mut keep: impl FnMut(Bytes)) -> Result<usize, Refusal> {
    let discard_max_bytes = max_bytes.saturating_mul(DISCARD_FACTOR);
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let mut received = 0_usize;
    while received.max(announced) <= discard_max_bytes {
        let Some(frame) = body.frame().await else {
            break;
        };
        let frame = frame.map_err(|_| Refusal::validation("the request body was cut off"))?;
        let data = frame.into_data().unwrap_or_default();
        received = received.saturating_add(data.len());
        if received <= max_bytes {
            keep(data);
        }
    }
    Ok(received.max(announced))
}

/// Wipes what it can of the copies: the old buffer when it grows, and the frame if nobody else holds its memory.
fn append_zeroizing(whole: &mut Zeroizing<Vec<u8>>, data: Bytes) {
    if whole.capacity() - whole.len() < data.len() {
        let mut larger = Zeroizing::new(Vec::with_capacity(2 * (whole.len() + data.len())));
        larger.extend_from_slice(whole);
        *whole = larger;
    }
    whole.extend_from_slice(&data);
    if let Ok(mut data) = data.try_into_mut() {
        data.as_mut().zeroize();
    }
}
