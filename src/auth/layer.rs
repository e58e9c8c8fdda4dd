//! The one gate before every rpc. What the contract gives no permission is answered to nobody; only health and
//! reflection, which show no tenant's facts, are open. A key never reaches a log.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http::header::AUTHORIZATION;
use http::{HeaderMap, Request, Response};
use prost_reflect::{DescriptorPool, ExtensionDescriptor, MethodDescriptor};
use tonic::Status;
use tonic::body::Body;
use tower::{Layer, Service};

use crate::auth::key::ParsedKey;
use crate::auth::{Actor, Deadline, Permission, policy};
use crate::domain::fault::{Fault, Reason};

/// Services without a tenant's facts: the state of the server, and the contract.
const OPEN: [&str; 3] = [
    "/grpc.health.v1.Health/",
    "/grpc.reflection.v1.ServerReflection/",
    "/grpc.reflection.v1alpha.ServerReflection/",
];

/// What the contract says of an rpc.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// What a caller must be allowed.
    pub permission: Permission,
    /// Whether a side of it streams: such calls last as long as their caller wants.
    pub streams: bool,
}

/// The rules of all rpcs of a descriptor pool by path, `/attain.v1.DealService/GetDeal`, read from the option
/// `attain.v1.permission`. An rpc without one is left out.
pub fn rules(pool: &DescriptorPool) -> BTreeMap<String, Rule> {
    let Some(option) = pool.get_extension_by_name("attain.v1.permission") else { return BTreeMap::new() };
    let mut rules = BTreeMap::new();
    for service in pool.services() {
        for method in service.methods() {
            let streams = method.is_client_streaming() || method.is_server_streaming();
            if let Some(permission) = permission(&method, &option) {
                let path = format!("/{}/{}", service.full_name(), method.name());
                rules.insert(path, Rule { permission, streams });
            }
        }
    }
    rules
}

fn permission(method: &MethodDescriptor, option: &ExtensionDescriptor) -> Option<Permission> {
    let number = method.options().get_extension(option).as_enum_number()?;
    let value = option.kind().as_enum()?.get_value(number)?;
    Permission::parse(value.name().strip_prefix("PERMISSION_")?)
}

type Answer<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type Authenticate = dyn Fn(ParsedKey) -> Answer<Result<Actor, Fault>> + Send + Sync;

/// What decides about every call.
struct Gate {
    rules: BTreeMap<String, Rule>,
    authenticate: Box<Authenticate>,
    unary_deadline: Duration,
}

/// Puts the gate around a service.
#[derive(Clone)]
pub struct AuthLayer(Arc<Gate>);

impl AuthLayer {
    /// A gate for the rpcs of a pool. `authenticate` finds a key's actor or says KEY_INVALID; unary calls without
    /// a deadline of their own get `unary_deadline`.
    pub fn new<F, A>(pool: &DescriptorPool, unary_deadline: Duration, authenticate: F) -> Self
    where
        F: Fn(ParsedKey) -> A + Send + Sync + 'static,
        A: Future<Output = Result<Actor, Fault>> + Send + 'static,
    {
        let authenticate = Box::new(move |key| -> Answer<_> { Box::pin(authenticate(key)) });
        AuthLayer(Arc::new(Gate { rules: rules(pool), authenticate, unary_deadline }))
    }
}

impl<S> Layer<S> for AuthLayer {
    type Service = Authenticated<S>;

    fn layer(&self, inner: S) -> Authenticated<S> {
        Authenticated { gate: self.0.clone(), inner }
    }
}

/// A service behind the gate.
#[derive(Clone)]
pub struct Authenticated<S> {
    gate: Arc<Gate>,
    inner: S,
}

impl<S> Service<Request<Body>> for Authenticated<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Answer<Result<Response<Body>, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        // The service that was polled ready is the one to call; its clone waits for the next request.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let path = request.uri().path();
        if OPEN.iter().any(|open| path.starts_with(open)) {
            return Box::pin(inner.call(request));
        }
        let Some(rule) = self.gate.rules.get(path).copied() else {
            let status = Status::unimplemented("no such rpc");
            return Box::pin(std::future::ready(Ok(status.into_http())));
        };
        let gate = self.gate.clone();
        Box::pin(async move {
            let deadline = match gate.deadline(request.headers(), rule) {
                Ok(deadline) => deadline,
                Err(fault) => return Ok(Status::from(fault).into_http()),
            };
            let work = async {
                match gate.admit(request.headers(), rule).await {
                    Ok(actor) => {
                        request.extensions_mut().insert(actor);
                        request.extensions_mut().insert(deadline);
                        inner.call(request).await
                    }
                    Err(fault) => Ok(Status::from(fault).into_http()),
                }
            };
            let Some(deadline) = deadline.at else { return work.await };
            let passed = || {
                let fault = Fault::new(Reason::DeadlineExceeded, "the deadline passed before the answer");
                Ok(Status::from(fault).into_http())
            };
            // Timers tick in milliseconds: what has passed is not left to one.
            if deadline <= Instant::now() {
                return passed();
            }
            tokio::time::timeout_at(deadline.into(), work).await.unwrap_or_else(|_| passed())
        })
    }
}

impl Gate {
    /// When the call must have been answered: a little before the caller gives up, and the transport with a status
    /// that has no reason, so that it hears why.
    fn deadline(&self, headers: &HeaderMap, rule: Rule) -> Result<Deadline, Fault> {
        let timeout = headers.get("grpc-timeout");
        let left = match timeout {
            Some(value) => {
                let asked = value.to_str().ok().and_then(parse_timeout);
                let fault =
                    || Fault::field("grpc-timeout", format!("must be such as \"100m\", got {value:?}"));
                Some(asked.ok_or_else(fault)?)
            }
            None => (!rule.streams).then_some(self.unary_deadline),
        };
        let margin =
            |asked: Duration| (asked / 10).clamp(Duration::from_millis(2), Duration::from_millis(50));
        let before = |left: Duration| left.saturating_sub(margin(left));
        let at = left.and_then(|left| Instant::now().checked_add(before(left)));
        Ok(Deadline { at, asked: timeout.is_some() })
    }

    /// Who calls, if it may.
    async fn admit(&self, headers: &HeaderMap, rule: Rule) -> Result<Actor, Fault> {
        let sent = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let bearer = sent.and_then(|text| text.split_once(' '));
        let key = bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let key = key.and_then(|(_, key)| ParsedKey::parse(key)).ok_or_else(|| {
            Fault::new(Reason::KeyInvalid, "no key in the form `authorization: Bearer attain_…`")
        })?;
        let actor = (self.authenticate)(key).await?;
        tracing::Span::current()
            .record("tenant", actor.tenant_slug.as_str())
            .record("key", actor.key.as_str());
        let (role, permission) = (actor.role.name(), rule.permission.name());
        if !policy::may(actor.role, rule.permission) {
            let message = format!("role {role} has no permission {permission}");
            return Err(Fault::new(Reason::RoleNotAllowed, message)
                .with("role", role)
                .with("permission", permission));
        }
        Ok(actor)
    }
}

/// Reads `grpc-timeout`: up to eight digits and a unit.
fn parse_timeout(text: &str) -> Option<Duration> {
    let unit = text.chars().next_back()?;
    let digits = text.strip_suffix(unit)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    match unit {
        'H' => Some(Duration::from_secs(count * 3600)),
        'M' => Some(Duration::from_secs(count * 60)),
        'S' => Some(Duration::from_secs(count)),
        'm' => Some(Duration::from_millis(count)),
        'u' => Some(Duration::from_micros(count)),
        'n' => Some(Duration::from_nanos(count)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_read_in_every_unit() {
        for (text, expected) in [
            ("2H", Some(Duration::from_secs(7200))),
            ("3M", Some(Duration::from_secs(180))),
            ("15S", Some(Duration::from_secs(15))),
            ("100m", Some(Duration::from_millis(100))),
            ("7u", Some(Duration::from_micros(7))),
            ("9n", Some(Duration::from_nanos(9))),
            ("99999999H", Some(Duration::from_secs(359_999_996_400))),
            ("100000000n", None),
            ("", None),
            ("S", None),
            ("1", None),
            ("-1S", None),
            ("1s", None),
            ("1.5S", None),
            ("１S", None),
            ("1µ", None),
        ] {
            assert_eq!(parse_timeout(text), expected, "{text:?}");
        }
    }
}
