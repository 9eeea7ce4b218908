//! Tokens of programs: random, shown once, stored as a hash.

use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use super::problem::Problem;
use super::{Api, Shared};
use crate::store;

/// Starts every token, so that people and scanners of leaked secrets recognise one.
const PREFIX: &str = "est_";

/// Where tokens are known. Blocks.
pub trait Tokens: Send + Sync + 'static {
    /// Whether a token of this hash admits.
    ///
    /// # Errors
    /// As every use case of the store.
    fn admits(&self, hash: &[u8; 32]) -> store::Result<bool>;
}

/// A token for 32 random bytes.
pub fn token(random: [u8; 32]) -> String {
    random.iter().fold(PREFIX.to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

/// What is stored of a token. A token has 256 random bits, so a plain hash cannot be guessed back.
pub fn token_hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// Lets a request pass that shows a token.
pub(super) async fn require(State(api): Shared, request: Request, next: Next) -> Response {
    let shown = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let hash = shown.and_then(bearer).map(token_hash);
    match check(&api, hash).await {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

async fn check(api: &Api, hash: Option<[u8; 32]>) -> Result<(), Problem> {
    let Some(hash) = hash else {
        return Err(Problem::unauthorized(
            "this needs a token: send Authorization: Bearer TOKEN; `error-sentinel token create` prints one",
        ));
    };
    let tokens = api.tokens.clone();
    let known = store::blocking(&api.store, move |_| tokens.admits(&hash)).await?;
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
    fn a_token_has_its_prefix_and_all_its_bits() {
        let text = token([0xab; 32]);
        assert_eq!(text, format!("est_{}", "ab".repeat(32)));
        assert_ne!(token_hash(&text), token_hash(&token([0xac; 32])));
    }

    #[test]
    fn only_bearer_tokens_are_read() {
        assert_eq!(bearer("Bearer est_1"), Some("est_1"));
        assert_eq!(bearer("bearer  est_1 "), Some("est_1"));
        for other in ["", "Bearer", "Bearer ", "Basic est_1", "est_1"] {
            assert_eq!(bearer(other), None, "{other}");
        }
    }
}
