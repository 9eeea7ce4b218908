//! The style sheet and the script, inside the binary.

use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;

use super::page::Problem;

#[derive(RustEmbed)]
#[folder = "src/dashboard/static"]
struct Assets;

/// `GET /static/<name>`
pub async fn file(Path(name): Path<String>) -> Response {
    match Assets::get(&name) {
        Some(file) => {
            let kind = file.metadata.mimetype().to_owned();
            // The names do not change with the contents, so browsers ask again after a while.
            let headers =
                [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "public, max-age=300".into())];
            (headers, file.data).into_response()
        }
        None => Problem::not_found("There is no such file.").into_response(),
    }
}
