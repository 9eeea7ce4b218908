//! Tokens of programs: random, shown once, stored as a hash.

use super::problem::Problem;
use super::{Api, Shared};
use crate::store::account::SecretHash;
use crate::{secret, store};
use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Lets a request pass that shows a token.
pub(super) async fn require(State(api): Shared, request: Request, next: Next) -> Response {
    let shown = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let hash = shown.and_then(bearer).map(secret::hash);
    match check(&api, hash).await {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

async fn check(api: &Api, hash: Option<SecretHash>) -> Result<(), Problem> {
    let Some(hash) = hash else {
        return Err(Problem::unauthorized(
            "this needs a token: send Authorization: Bearer TOKEN; `error-sentinel token create` prints one",
        ));
    };
    let known = store::blocking(&api.store, move |store| store.admits_token(&hash)).await?;
    if !known {
        return Err(Problem::unauthorized("this token is unknown or was revoked"));
    }
    Ok(())
}

/// The token of `Bearer TOKEN`, letter case of the scheme aside.
fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.trim().split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bearer_tokens_are_read() {
        assert_eq!(bearer("Bearer est_1"), Some("est_1"));
        assert_eq!(bearer("bearer  est_1 "), Some("est_1"));
        for other in ["", "Bearer", "Bearer ", "Basic est_1", "est_1"] {
            assert_eq!(bearer(other), None, "{other}");
        }
    }
}
