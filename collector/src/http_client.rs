//! The one way in which the collector calls others over HTTP, so that TLS is set up alike everywhere.

use std::time::Duration;

/// Longest that a call may take, unless the caller says otherwise.
const PATIENCE: Duration = Duration::from_secs(10);

/// A builder with TLS, a name and timeouts.
pub fn builder() -> reqwest::ClientBuilder {
    // An error says that a provider is there already, which serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .user_agent(concat!("error-sentinel/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(Duration::from_secs(5))
        .timeout(PATIENCE)
}
