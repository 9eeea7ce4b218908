//! The API's own description, as OpenAPI.

use axum::Json;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{OpenApi as Document, RefOr};
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
    modifiers(&BearerToken, &ProblemType),
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

/// Every refusal is a problem document, whatever route it comes from.
struct ProblemType;

impl Modify for ProblemType {
    fn modify(&self, document: &mut Document) {
        let paths = document.paths.paths.values_mut();
        let operations = paths.flat_map(|path| path.get.iter_mut().chain(&mut path.post));
        for (status, response) in operations.flat_map(|operation| &mut operation.responses.responses) {
            let is_refusal = status.starts_with(['4', '5']);
            if let (true, RefOr::T(response)) = (is_refusal, response)
                && let Some(content) = response.content.shift_remove("application/json")
            {
                response.content.insert("application/problem+json".to_owned(), content);
            }
        }
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
