//! Delivery over HTTP(S) by reqwest, on the worker's thread.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use error_sentinel_wire::reply::Reply;
use error_sentinel_wire::{Dsn, Sdk};
use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::blocking::Client;
use reqwest::redirect::Policy;

use crate::transport::{Transport, TransportError};

/// Longest that one envelope may take.
const PATIENCE: Duration = Duration::from_secs(10);
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);
/// Smaller envelopes gain nothing from gzip.
const GZIP_FROM_BYTES: usize = 1024;

/// The default transport. Connects when the first alert leaves.
#[derive(Debug, Default)]
pub struct HttpTransport {
    client: Option<Client>,
}

impl HttpTransport {
    fn client(&mut self) -> Result<&Client, TransportError> {
        match &mut self.client {
            Some(client) => Ok(client),
            none => Ok(none.insert(connect()?)),
        }
    }
}

/// A client with TLS of its own: the host's choice of cryptography is neither needed nor touched.
fn connect() -> Result<Client, TransportError> {
    let fail = |error: &dyn std::error::Error| TransportError(format!("no HTTP client: {error}"));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| fail(&error))?;
    let verifier = rustls_platform_verifier::Verifier::new(provider).map_err(|error| fail(&error))?;
    let tls = tls.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth();
    Client::builder()
        .tls_backend_preconfigured(tls)
        .timeout(PATIENCE)
        .connect_timeout(CONNECT_PATIENCE)
        // A redirect would turn the POST into a GET and lose the alert in silence.
        .redirect(Policy::none())
        .build()
        .map_err(|error| fail(&error))
}

impl Transport for HttpTransport {
    fn send(&mut self, dsn: &Dsn, envelope: &[u8]) -> Result<Reply, TransportError> {
        let sdk = Sdk { name: "error-sentinel.rust".into(), version: env!("CARGO_PKG_VERSION").into() };
        let mut request = self
            .client()?
            .post(dsn.envelope_url())
            .header("content-type", "application/x-sentry-envelope")
            .header("x-sentry-auth", dsn.auth_header(&sdk));
        let zipped = if envelope.len() >= GZIP_FROM_BYTES { gzip(envelope) } else { None };
        request = match zipped {
            Some(zipped) => request.header("content-encoding", "gzip").body(zipped),
            None => request.body(envelope.to_vec()),
        };
        let response = request.send().map_err(|error| TransportError(error.to_string()))?;
        let headers = response.headers();
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        Ok(Reply::read(response.status().as_u16(), header))
    }
}

/// Compressed; `None` when that fails, which costs only bytes.
fn gzip(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), Compression::fast());
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok()
}
