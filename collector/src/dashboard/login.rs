//! Signing in and out.

use std::net::{IpAddr, SocketAddr};

use askama::Template;
use axum::Form;
use axum::extract::{ConnectInfo, Extension, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::page::{Problem, render};
use super::session::{self, SignedIn};
use super::{Dashboard, Shared, password};
use crate::{client_address, store};

/// What is told to those whom [`may_try`] refuses.
pub const TOO_MANY_TRIES: &str = "Too many tries. Wait a minute and try again.";

/// The other end of the connection, where there is one.
pub type Peer = Option<Extension<ConnectInfo<SocketAddr>>>;

#[derive(Template)]
#[template(path = "dashboard/login.html")]
struct LoginPage {
    prefix: String,
    next: String,
    email: String,
    error: &'static str,
}

/// Where to go after signing in.
#[derive(Debug, Deserialize)]
pub struct Next {
    #[serde(default)]
    next: String,
}

/// What was typed.
#[derive(Deserialize)]
pub struct Credentials {
    email: String,
    password: String,
    #[serde(default)]
    next: String,
}

/// `GET /login`
pub async fn show(State(dashboard): Shared, Query(next): Query<Next>) -> Response {
    render(&LoginPage {
        prefix: dashboard.prefix.clone(),
        next: own_path(&next.next).to_owned(),
        email: String::new(),
        error: "",
    })
}

/// `POST /login`
pub async fn enter(
    State(dashboard): Shared,
    peer: Peer,
    headers: HeaderMap,
    Form(typed): Form<Credentials>,
) -> Result<Response, Problem> {
    let refuse = |status: StatusCode, error: &'static str| {
        let page = LoginPage {
            prefix: dashboard.prefix.clone(),
            next: own_path(&typed.next).to_owned(),
            email: typed.email.clone(),
            error,
        };
        (status, render(&page)).into_response()
    };
    if !may_try(&dashboard, peer, &headers, &typed.email) {
        return Ok(refuse(StatusCode::TOO_MANY_REQUESTS, TOO_MANY_TRIES));
    }
    let email = typed.email.trim().to_owned();
    let found = store::blocking(&dashboard.store, move |store| store.find_account(&email)).await?;
    let hash = found.as_ref().map(|account| account.password_hash.clone());
    let fits = password::verify_later(typed.password.clone(), hash).await;
    let Some(account) = found.filter(|_| fits) else {
        return Ok(refuse(StatusCode::UNAUTHORIZED, "Address and password do not match."));
    };
    // A cookie that was planted before must not become that of a person who signs in.
    if let Some(earlier) = session::find(&dashboard, &headers).await? {
        session::end(&dashboard, earlier.session).await?;
    }
    let cookie = session::open(&dashboard, &account).await?;
    Ok(([(header::SET_COOKIE, cookie)], dashboard.to(own_path(&typed.next))).into_response())
}

/// Whether one more password may be tried for `email` by whoever asks.
pub fn may_try(dashboard: &Dashboard, peer: Peer, headers: &HeaderMap, email: &str) -> bool {
    let address = match peer {
        Some(Extension(ConnectInfo(peer))) => {
            client_address::of(peer, headers, &dashboard.settings.trusted_proxies)
        }
        None => IpAddr::from([0, 0, 0, 0]),
    };
    dashboard.attempts.allow(address, email)
}

/// `POST /logout`
pub async fn leave(State(dashboard): Shared, signed_in: SignedIn) -> Result<Response, Problem> {
    let cookie = session::end(&dashboard, signed_in.session).await?;
    Ok(([(header::SET_COOKIE, cookie)], dashboard.to("/login")).into_response())
}

/// A path of ours, whatever was asked for: a link to the login page must not lead elsewhere.
fn own_path(next: &str) -> &str {
    let is_ours = next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains('\\')
        && !next.chars().any(char::is_control);
    if is_ours { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signing_in_leads_to_a_page_of_ours_only() {
        assert_eq!(own_path("/issues/7?query=x"), "/issues/7?query=x");
        for elsewhere in
            ["", "https://evil.example", "//evil.example", "/\\evil.example", "/\r\nSet-Cookie: x"]
        {
            assert_eq!(own_path(elsewhere), "/");
        }
    }
}
