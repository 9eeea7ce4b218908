//! The style sheet and the script, inside the binary.
//!
//! Pages ask for them by version, so that a browser keeps them for ever and yet never mixes those of two
//! releases.

use std::sync::LazyLock;

use axum::extract::{Path, RawQuery};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};

use super::page::Problem;

#[derive(RustEmbed)]
#[folder = "src/dashboard/static"]
struct Assets;

/// What all files are together.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut hasher = Sha256::new();
    for file in Assets::iter().filter_map(|name| Assets::get(&name)) {
        hasher.update(file.metadata.sha256_hash());
    }
    hasher.finalize().iter().take(4).map(|byte| format!("{byte:02x}")).collect()
});

/// Changes whenever a file does.
pub(crate) fn version() -> &'static str {
    &VERSION
}

/// `GET /static/<name>?v=<version>`
pub async fn file(Path(name): Path<String>, RawQuery(query): RawQuery) -> Response {
    let Some(file) = Assets::get(&name) else {
        return Problem::not_found("There is no such file.").into_response();
    };
    let is_this_version = query.as_deref().and_then(|query| query.strip_prefix("v=")) == Some(version());
    let keep = if is_this_version { "public, max-age=31536000, immutable" } else { "public, max-age=300" };
    let headers = [(header::CONTENT_TYPE, file.metadata.mimetype()), (header::CACHE_CONTROL, keep)];
    (headers, file.data).into_response()
}
