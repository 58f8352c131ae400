//! One connection: HTTP/1.1 or HTTP/2, and its end.

use std::convert::Infallible;
use std::error::Error;
use std::fmt::Display;
use std::pin::{Pin, pin};
use std::time::Duration;

use hyper::body::{Body, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::activity::{Activity, Overdue, Watched};
use crate::shutdown::InFlight;

/// How long a connection that is to end, and has no request in flight, may take for it: to send the last answer, and in HTTP/2 to
/// agree with the client on which request was the last.
const PARTING_TIME: Duration = Duration::from_secs(1);

/// How long a client may take.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionTimes {
    /// From the acceptance to the end of the first request's head; for a further request of HTTP/1.1 from its first byte.
    pub header_timeout: Duration,
    /// Between two requests.
    pub idle_timeout: Duration,
}

/// Serves one connection to its end. A request in flight is `answer`'s to bound: it is never ended here before the grace period is over.
pub async fn serve_http<S, A, F, B>(
    http: &auto::Builder<TokioExecutor>,
    stream: S,
    times: ConnectionTimes,
    mut in_flight: InFlight,
    answer: A,
) where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    A: Fn(Request<Incoming>) -> F,
    F: Future<Output = Response<B>> + Send + 'static,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let activity = Activity::begin(times.header_timeout, times.idle_timeout);
    let io = TokioIo::new(Watched::new(stream, activity.clone()));
    let request_in_flight = in_flight.clone();
    let service = service_fn(|request: Request<Incoming>| {
        let serving = activity.request(request.version() == Version::HTTP_2);
        let in_flight = request_in_flight.clone();
        let answering = answer(request);
        async move {
            let response = answering.await;
            drop(serving);
            drop(in_flight);
            Ok::<_, Infallible>(response)
        }
    });
    let mut connection = pin!(http.serve_connection(io, service));
    tokio::select! {
        ended = connection.as_mut() => return note_end(ended),
        overdue = activity.overdue() => if overdue == Overdue::Head {
            return tracing::debug!("a request head took too long");
        },
        () = in_flight.stopping() => {}
    }
    connection.as_mut().graceful_shutdown();
    finish(connection, &activity, &mut in_flight).await;
}

/// Lets the requests in flight finish, and the client read that there will be no more. Half a request's head is not waited for.
async fn finish<E: Display>(
    connection: Pin<&mut impl Future<Output = Result<(), E>>>,
    activity: &Activity,
    in_flight: &mut InFlight,
) {
    tokio::select! {
        ended = connection => note_end(ended),
        () = activity.quiet_for(PARTING_TIME) => {}
        () = in_flight.cut() => {}
    }
}

fn note_end<E: Display>(ended: Result<(), E>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended with an error");
    }
}
