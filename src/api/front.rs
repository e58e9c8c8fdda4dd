//! What every request meets first: a span that says what came of it, and a place among those being worked on.
//! Without a free place it is told at once when to come back; nothing queues without bound. Health and reflection
//! always have a place: a busy server is not a dead one.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use http::{Request, Response};
use tokio::sync::Semaphore;
use tonic::body::Body;
use tonic::{Code, Status};
use tower::{Layer, Service};
use tracing::Instrument as _;

use crate::domain::fault::{Fault, Reason};

/// Puts the front before a service.
#[derive(Clone)]
pub struct FrontLayer {
    places: Arc<Semaphore>,
}

impl FrontLayer {
    /// A front with so many places, over all connections.
    pub fn new(places: usize) -> Self {
        FrontLayer { places: Arc::new(Semaphore::new(places)) }
    }
}

impl<S> Layer<S> for FrontLayer {
    type Service = Front<S>;

    fn layer(&self, inner: S) -> Front<S> {
        Front { places: self.places.clone(), inner }
    }
}

/// A service behind the front.
#[derive(Clone)]
pub struct Front<S> {
    places: Arc<Semaphore>,
    inner: S,
}

impl<S> Service<Request<Body>> for Front<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        // The service that was polled ready is the one to call; its clone waits for the next request.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let rpc = request.uri().path().trim_start_matches('/').to_string();
        if rpc.starts_with("grpc.") {
            return Box::pin(inner.call(request));
        }
        let span =
            tracing::info_span!("rpc", rpc, tenant = tracing::field::Empty, key = tracing::field::Empty,);
        let place = self.places.clone().try_acquire_owned();
        let work = async move {
            let begun = Instant::now();
            // A place is held until the answer begins; what streams after that waits, it does not work.
            let answer = match place {
                Ok(_place) => inner.call(request).await?,
                Err(_) => {
                    let message = "the server has all the work it can hold; come back in a second";
                    Status::from(Fault::new(Reason::Overloaded, message)).into_http()
                }
            };
            log(&answer, begun);
            Ok(answer)
        };
        Box::pin(work.instrument(span))
    }
}

/// Says what came of a request. Only our own defects are errors; what a caller did wrong is information.
fn log(answer: &Response<Body>, begun: Instant) {
    let code = Status::from_header_map(answer.headers()).map_or(Code::Ok, |status| status.code());
    let duration_ms = begun.elapsed().as_millis();
    match code {
        Code::Internal | Code::Unknown | Code::DataLoss => tracing::error!(?code, duration_ms, "answered"),
        Code::Unavailable | Code::ResourceExhausted => tracing::warn!(?code, duration_ms, "answered"),
        _ => tracing::info!(?code, duration_ms, "answered"),
    }
}
