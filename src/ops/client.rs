//! Asking a server: the channel, the key that goes with every request, and what the server says when it refuses.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, anyhow, bail};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Request, Status};
use tonic_types::StatusExt as _;

use crate::auth::Secret;
use crate::config::ServerOptions;

/// The variable of the key where no file is given. There is no flag: every user of a machine sees those.
const KEY_VARIABLE: &str = "ATTAIN_KEY";
/// Largest answer that is taken: a statement lists every deal of its month.
pub const MAX_ANSWER: usize = 64 << 20;

/// A channel that sends the key.
pub type Keyed = InterceptedService<Channel, Bearer>;

/// The header of a key. Marked sensitive: nothing prints it.
#[derive(Clone)]
pub struct Bearer(MetadataValue<Ascii>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

/// Connects to the server, so that one that is not there is known before anything is read.
pub async fn connect(options: &ServerOptions) -> anyhow::Result<Keyed> {
    connect_with(&options.server, options.ca_cert.as_deref(), &key(options)?).await
}

/// As [`connect`], with a key that is at hand.
pub async fn connect_with(server: &str, ca_cert: Option<&Path>, key: &Secret) -> anyhow::Result<Keyed> {
    let bearer = bearer(key)?;
    let endpoint = Endpoint::from_shared(server.to_string()).ok();
    let mut endpoint = endpoint
        .filter(|endpoint| matches!(endpoint.uri().scheme_str(), Some("http" | "https")))
        .with_context(|| {
            format!("the server must be http://host:port or https://host:port, got {server:?}")
        })?;
    if endpoint.uri().scheme_str() == Some("https") {
        let Some(path) = ca_cert else {
            bail!("{server} needs --ca-cert: the authority that its certificate comes from");
        };
        let pem = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem));
        endpoint = endpoint.tls_config(tls).with_context(|| format!("cannot use {}", path.display()))?;
    }
    let channel = endpoint.connect().await.with_context(|| format!("cannot reach {server}"))?;
    Ok(InterceptedService::new(channel, bearer))
}

fn key(options: &ServerOptions) -> anyhow::Result<Secret> {
    let key = match &options.key_file {
        Some(path) => fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?,
        None => std::env::var(KEY_VARIABLE)
            .map_err(|_| anyhow!("a key is needed: give --key-file, or set {KEY_VARIABLE}"))?,
    };
    Ok(Secret::new(key.trim().to_string()))
}

fn bearer(key: &Secret) -> anyhow::Result<Bearer> {
    let mut header: MetadataValue<Ascii> = format!("Bearer {}", key.reveal())
        .parse()
        .map_err(|_| anyhow!("the key is not a key's text: attain_<tenant>_<key id>_<secret>"))?;
    header.set_sensitive(true);
    Ok(Bearer(header))
}

/// What a server said, as a fault: its sentence, and below it a line for each violation under the name that `name`
/// gives its field.
pub fn refused(status: &Status, name: impl Fn(&str) -> String) -> anyhow::Error {
    // Every refusal of ours has its reason with it; without one the connection failed, or something in between did.
    let mut text = match status.get_details_error_info() {
        Some(_) => status.message().to_string(),
        None => format!("the server cannot be asked: {:?} {}", status.code(), status.message()),
    };
    let violations = status.get_details_bad_request().map_or_else(Vec::new, |bad| bad.field_violations);
    for violation in violations {
        let line = format!("{} {}", name(&violation.field), violation.description);
        // Of a single one the sentence says all.
        if line.trim() != status.message() {
            text.push_str("\n  ");
            text.push_str(line.trim());
        }
    }
    anyhow!(text)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use tonic::Code;
    use tonic_types::{ErrorDetails, FieldViolation};

    use super::*;

    #[test]
    fn a_refusal_names_every_field() {
        let violations = vec![
            FieldViolation::new("payees[0].name", "must not be empty"),
            FieldViolation::new("", "and 3 more"),
        ];
        let mut details = ErrorDetails::with_bad_request(violations);
        details.set_error_info("INVALID_REQUEST", "attain", HashMap::new());
        let status = Status::with_error_details(Code::InvalidArgument, "4 fields are wrong", details);
        let text = format!("{:#}", refused(&status, |field| field.replace("payees[0].", "row 2: ")));
        assert_eq!(text, "4 fields are wrong\n  row 2: name must not be empty\n  and 3 more");
        let mut details = ErrorDetails::with_bad_request([FieldViolation::new("window", "must be given")]);
        details.set_error_info("INVALID_REQUEST", "attain", HashMap::new());
        let status = Status::with_error_details(Code::InvalidArgument, "window must be given", details);
        assert_eq!(refused(&status, str::to_string).to_string(), "window must be given");
        assert_eq!(
            refused(&Status::new(Code::Unknown, "broken"), str::to_string).to_string(),
            "the server cannot be asked: Unknown broken"
        );
    }

    #[test]
    fn a_key_is_never_shown() {
        let bearer = bearer(&Secret::new("attain_acme_k1_00ff".into())).unwrap();
        assert!(!format!("{:?}", bearer.0).contains("00ff"));
        let fault = super::bearer(&Secret::new("two\nlines".into())).err().unwrap();
        assert!(!fault.to_string().contains("lines"), "{fault}");
    }
}
