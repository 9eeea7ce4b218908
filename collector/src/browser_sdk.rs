//! The browser SDK, inside the binary: `/sentinel.js` and what it loads.
//!
//! So that one script tag is all that a page needs, and no file has to be put anywhere. The files are those of
//! `sdk-wasm/dist`, built before and never changed here. Pages of every origin may load them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::LazyLock;

use axum::Router;
use axum::extract::RawQuery;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use error_sentinel_wire::Dsn;
use flate2::Compression;
use flate2::write::GzEncoder;
use rust_embed::RustEmbed;
use serde::Deserialize;

#[derive(RustEmbed)]
#[folder = "../sdk-wasm/dist"]
#[include = "sentinel*"]
#[include = "manifest.json"]
struct Dist;

/// What the build wrote about one of its files.
#[derive(Debug, Deserialize)]
struct Entry {
    version: String,
    integrity: String,
}

/// One file in every form in which it is sent.
struct File {
    entry: Entry,
    content_type: &'static str,
    plain: Cow<'static, [u8]>,
    gzip: Vec<u8>,
    brotli: Option<Cow<'static, [u8]>>,
}

static FILES: LazyLock<BTreeMap<String, File>> = LazyLock::new(|| {
    let manifest = Dist::get("manifest.json").map(|file| file.data).unwrap_or_default();
    let entries: BTreeMap<String, Entry> = serde_json::from_slice(&manifest).unwrap_or_default();
    entries.into_iter().filter_map(|(name, entry)| Some((name.clone(), File::load(&name, entry)?))).collect()
});

impl File {
    fn load(name: &str, entry: Entry) -> Option<File> {
        let plain = Dist::get(name)?.data;
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        // Writing into memory cannot fail.
        let gzip = encoder.write_all(&plain).and_then(|()| encoder.finish()).ok()?;
        let content_type =
            if name.ends_with(".wasm") { "application/wasm" } else { "text/javascript; charset=utf-8" };
        let brotli = Dist::get(&format!("{name}.br")).map(|file| file.data);
        Some(File { entry, content_type, plain, gzip, brotli })
    }
}

/// The routes of the script and of what it loads.
pub fn router() -> Router {
    let serve = |name: &'static str| {
        get(move |query: RawQuery, headers: HeaderMap| async move { file(name, query, &headers) })
    };
    Router::new()
        .route("/sentinel.js", serve("sentinel.js"))
        .route("/sentinel-sdk.js", serve("sentinel-sdk.js"))
        .route("/sentinel.wasm", serve("sentinel.wasm"))
        .route("/sentinel-asm.js", serve("sentinel-asm.js"))
}

/// `GET /<name>?v=<version>`: kept for ever when asked for by its version, else looked at again after five minutes.
fn file(name: &str, RawQuery(query): RawQuery, headers: &HeaderMap) -> Response {
    let Some(file) = FILES.get(name) else { return axum::http::StatusCode::NOT_FOUND.into_response() };
    let is_this_version =
        query.as_deref().and_then(|query| query.strip_prefix("v=")) == Some(&*file.entry.version);
    let keep = if is_this_version { "public, max-age=31536000, immutable" } else { "public, max-age=300" };
    let accepted =
        headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let accepts = |coding: &str| {
        accepted.split(',').any(|one| {
            let (name, weight) = one.split_once(';').unwrap_or((one, ""));
            name.trim() == coding && !matches!(weight.trim(), "q=0" | "q=0.0")
        })
    };
    let (body, coding) = match &file.brotli {
        Some(brotli) if accepts("br") => (brotli.clone(), Some("br")),
        _ if accepts("gzip") => (Cow::Borrowed(&file.gzip[..]), Some("gzip")),
        _ => (file.plain.clone(), None),
    };
    let mut response = (
        [
            (header::CONTENT_TYPE, file.content_type),
            (header::CACHE_CONTROL, keep),
            (header::VARY, "accept-encoding"),
            (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ],
        body.into_owned(),
    )
        .into_response();
    let answer = response.headers_mut();
    answer.insert("cross-origin-resource-policy", HeaderValue::from_static("cross-origin"));
    if let Some(coding) = coding {
        answer.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
    }
    response
}

/// The line for a page's head that reports its errors.
pub fn script_tag(public_url: &str, dsn: &Dsn) -> String {
    format!(r#"<script src="{public_url}/sentinel.js" data-dsn="{dsn}" async></script>"#)
}

/// The hash by which a page can pin its copy of `sentinel.js`.
pub fn integrity() -> &'static str {
    FILES.get("sentinel.js").map_or("", |file| &file.entry.integrity)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::{Body, to_bytes};
    use axum::http::{Request, StatusCode};
    use sha2::{Digest, Sha384};
    use tower::ServiceExt;

    async fn answer(path: &str, accepted: &str) -> Response {
        let request = Request::get(path).header(header::ACCEPT_ENCODING, accepted).body(Body::empty());
        router().oneshot(request.unwrap()).await.unwrap()
    }

    #[tokio::test]
    async fn every_file_is_there_in_every_coding_for_pages_of_every_origin() {
        for (name, kind) in [
            ("/sentinel.js", "text/javascript; charset=utf-8"),
            ("/sentinel-sdk.js", "text/javascript; charset=utf-8"),
            ("/sentinel-asm.js", "text/javascript; charset=utf-8"),
            ("/sentinel.wasm", "application/wasm"),
        ] {
            for (accepted, coding) in
                [("gzip, br", Some("br")), ("gzip", Some("gzip")), ("br;q=0", None), ("", None)]
            {
                let answer = answer(name, accepted).await;
                assert_eq!(answer.status(), StatusCode::OK, "{name}");
                let header = |name| answer.headers().get(name).and_then(|value| value.to_str().ok());
                assert_eq!(header("content-type"), Some(kind));
                assert_eq!(header("content-encoding"), coding, "{name} for {accepted:?}");
                assert_eq!(header("access-control-allow-origin"), Some("*"));
                assert_eq!(header("cache-control"), Some("public, max-age=300"));
            }
        }
    }

    #[tokio::test]
    async fn each_file_names_the_next_by_its_version_and_that_one_is_kept_for_ever() {
        for (from, to) in [
            ("sentinel.js", "sentinel-sdk.js"),
            ("sentinel-sdk.js", "sentinel.wasm"),
            ("sentinel-sdk.js", "sentinel-asm.js"),
        ] {
            let path = format!("/{to}?v={}", FILES[to].entry.version);
            let text = String::from_utf8_lossy(&FILES[from].plain);
            assert!(text.contains(path.trim_start_matches('/')), "{from} does not name {path}");
            let answer = answer(&path, "").await;
            assert_eq!(answer.headers()["cache-control"], "public, max-age=31536000, immutable");
        }
    }

    #[tokio::test]
    async fn the_hash_is_that_of_what_is_served() {
        let body = to_bytes(answer("/sentinel.js", "").await.into_body(), 1 << 20).await.unwrap();
        let hash = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, Sha384::digest(&body));
        assert_eq!(integrity(), format!("sha384-{hash}"));
    }
}
