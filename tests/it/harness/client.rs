//! A client that knows the contract from its descriptors only and speaks JSON, as grpcurl does.

use attain::api::descriptors;
use prost_reflect::prost::Message as _;
use prost_reflect::{DynamicMessage, MessageDescriptor, MethodDescriptor};
use serde_json::Value;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::MetadataValue;
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Status};
use tonic_types::StatusExt as _;

/// Puts the key into every request.
#[derive(Clone)]
pub struct Key(pub String);

impl Interceptor for Key {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if !self.0.is_empty() {
            let bearer: MetadataValue<_> = format!("Bearer {}", self.0).parse().unwrap();
            request.metadata_mut().insert("authorization", bearer);
        }
        Ok(request)
    }
}

/// A connection that calls with a key.
pub type Keyed = InterceptedService<Channel, Key>;

/// A caller with a key.
#[derive(Clone)]
pub struct Client {
    pub channel: Channel,
    pub key: String,
}

impl Client {
    /// For generated clients.
    pub fn keyed(&self) -> Keyed {
        InterceptedService::new(self.channel.clone(), Key(self.key.clone()))
    }

    /// The same connection with another key.
    pub fn with_key(&self, key: impl Into<String>) -> Client {
        Client { channel: self.channel.clone(), key: key.into() }
    }

    /// Sends messages to an rpc such as `PayeeService/GetPayee` and collects what it answers.
    pub async fn stream(&self, rpc: &str, messages: Vec<Value>) -> Result<Vec<Value>, Status> {
        let method = method(rpc);
        let messages: Vec<_> = messages.into_iter().map(|json| message(&method, json)).collect();
        let mut grpc = tonic::client::Grpc::new(self.keyed());
        grpc.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
        let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
        let (output, input) = (method.output(), tokio_stream::iter(messages));
        let answer = grpc.streaming(Request::new(input), path.parse().unwrap(), Dynamic(output)).await?;
        let mut answers = Vec::new();
        let mut stream = answer.into_inner();
        while let Some(message) = stream.message().await? {
            answers.push(serde_json::to_value(&message).unwrap());
        }
        Ok(answers)
    }

    /// Sends one message and gives the one answer.
    pub async fn ask(&self, rpc: &str, message: Value) -> Result<Value, Status> {
        let mut answers = self.stream(rpc, vec![message]).await?;
        assert_eq!(answers.len(), 1, "{rpc} answers once");
        Ok(answers.remove(0))
    }

    /// The answer of an rpc that must not refuse.
    pub async fn get(&self, rpc: &str, message: Value) -> Value {
        self.ask(rpc, message).await.unwrap_or_else(|status| panic!("{rpc}: {}", refusal(&status)))
    }

    /// The refusal of an rpc that must refuse.
    pub async fn refused(&self, rpc: &str, message: Value) -> String {
        match self.ask(rpc, message).await {
            Ok(answer) => panic!("{rpc} was done: {answer}"),
            Err(status) => refusal(&status),
        }
    }
}

/// An rpc by its short name.
pub fn method(rpc: &str) -> MethodDescriptor {
    let (service, name) = rpc.split_once('/').unwrap();
    let service = service.strip_prefix("attain.v1.").unwrap_or(service);
    let service = descriptors().get_service_by_name(&format!("attain.v1.{service}"));
    let found = service.and_then(|service| service.methods().find(|method| method.name() == name));
    found.unwrap_or_else(|| panic!("no rpc {rpc}"))
}

fn message(method: &MethodDescriptor, json: Value) -> DynamicMessage {
    let text = json.to_string();
    DynamicMessage::deserialize(method.input(), json)
        .unwrap_or_else(|error| panic!("{}: {error} in {text}", method.full_name()))
}

/// A refusal in one text: code, reason, message, then a line for each value and for each violation.
pub fn refusal(status: &Status) -> String {
    let details = status.get_error_details();
    let Some(info) = details.error_info() else {
        return format!("{:?} without a reason: {}", status.code(), status.message());
    };
    assert_eq!(info.domain, "attain");
    let mut text = format!("{:?} {}: {}", status.code(), info.reason, status.message());
    if info.reason == "INTERNAL" {
        text.push_str(&super::server::logged_errors());
    }
    let mut values: Vec<_> = info.metadata.iter().filter(|(name, _)| *name != "violations").collect();
    values.sort();
    for (name, value) in values {
        text.push_str(&format!("\n{name}={value}"));
    }
    let violations = details.bad_request().map_or(&[][..], |bad| &bad.field_violations);
    let counted = info.metadata.get("violations").map_or(0, |count| count.parse().unwrap());
    assert_eq!(violations.len(), counted, "{text}");
    for violation in violations {
        text.push_str(&format!("\n{}: {}", violation.field, violation.description));
    }
    text
}

/// The reason of a refusal.
pub fn reason(status: &Status) -> String {
    status.get_details_error_info().map_or_else(String::new, |info| info.reason)
}

/// Messages that are known by a descriptor only.
struct Dynamic(MessageDescriptor);

impl Codec for Dynamic {
    type Encode = DynamicMessage;
    type Decode = DynamicMessage;
    type Encoder = Wire;
    type Decoder = Wire;

    fn encoder(&mut self) -> Wire {
        Wire(self.0.clone())
    }

    fn decoder(&mut self) -> Wire {
        Wire(self.0.clone())
    }
}

struct Wire(MessageDescriptor);

impl Encoder for Wire {
    type Item = DynamicMessage;
    type Error = Status;

    fn encode(&mut self, item: DynamicMessage, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        item.encode(buffer).map_err(|error| Status::internal(error.to_string()))
    }
}

impl Decoder for Wire {
    type Item = DynamicMessage;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<DynamicMessage>, Status> {
        let decoded = DynamicMessage::decode(self.0.clone(), buffer);
        decoded.map(Some).map_err(|error| Status::internal(error.to_string()))
    }
}
