//! The API's own description, as OpenAPI.

use axum::Json;
use utoipa::openapi::OpenApi as Document;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Error Sentinel",
        description = "Issues and events of the collector. Times are RFC 3339 in UTC. `error-sentinel token create` prints a token."
    ),
    paths(
        super::issue::list,
        super::issue::show,
        super::issue::set_status,
        super::event::list,
        super::event::show
    ),
    modifiers(&BearerToken),
)]
struct Described;

struct BearerToken;

impl Modify for BearerToken {
    fn modify(&self, document: &mut Document) {
        let components = document.components.get_or_insert_default();
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        components.add_security_scheme("token", scheme);
    }
}

/// The description; no secret, so nobody is asked for a token.
pub(super) async fn show() -> Json<Document> {
    Json(describe())
}

/// The description of every route.
pub(super) fn describe() -> Document {
    Described::openapi()
}
