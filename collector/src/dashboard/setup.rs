//! The way in: choosing a password by a one-time link, and the page that shows how to send the first error.

use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::page::{Problem, Shell, render};
use super::session::{self, SignedIn};
use super::{Dashboard, Shared, password};
use crate::settings::base_url;
use crate::store::account::Link;
use crate::{browser_sdk, clock, secret, store};

#[derive(Template)]
#[template(path = "dashboard/setup.html")]
struct SetupPage {
    prefix: String,
    token: String,
    /// Whose password, when the link says so.
    fixed_email: Option<String>,
    email: String,
    error: String,
    min_chars: usize,
}

#[derive(Template)]
#[template(path = "dashboard/start.html")]
struct StartPage {
    shell: Shell,
    project: String,
    dsn: String,
    curl: String,
    script_tag: String,
    integrity: &'static str,
}

/// The secret of the link.
#[derive(Deserialize)]
pub struct Token {
    #[serde(default)]
    token: String,
}

/// What was typed.
#[derive(Deserialize)]
pub struct Choice {
    token: String,
    #[serde(default)]
    email: String,
    password: String,
    password_again: String,
}

/// `GET /setup?token=…`
pub async fn show(
    State(dashboard): Shared,
    Query(Token { token }): Query<Token>,
) -> Result<Response, Problem> {
    let link = good_link(&dashboard, &token).await?;
    Ok(form(&dashboard, token, link, String::new(), String::new()))
}

/// `POST /setup`
pub async fn choose_password(
    State(dashboard): Shared,
    Form(choice): Form<Choice>,
) -> Result<Response, Problem> {
    let link = good_link(&dashboard, &choice.token).await?;
    let email = link.email.clone().unwrap_or_else(|| choice.email.trim().to_owned());
    let wrong = if !password::is_address(&email) {
        Some("This is not a mail address.".to_owned())
    } else if choice.password != choice.password_again {
        Some("The two passwords differ.".to_owned())
    } else {
        password::check(&choice.password).err().map(|reason| format!("Please {reason}."))
    };
    if let Some(error) = wrong {
        let page = form(&dashboard, choice.token, link, email, error);
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response());
    }
    let is_first = link.email.is_none();
    let hash = password::hash_later(choice.password).await.map_err(|error| {
        tracing::error!(%error, "a password cannot be kept");
        Problem::internal("The password cannot be kept.")
    })?;
    let token = secret::hash(&choice.token);
    let used =
        store::blocking(&dashboard.store, move |store| store.use_link(&token, &email, &hash, clock::now()));
    let account = used.await?.ok_or_else(used_up)?;
    let cookie = session::open(&dashboard, &account).await?;
    let next = if is_first { "/settings?welcome=1#mail" } else { "/" };
    Ok(([(header::SET_COOKIE, cookie)], dashboard.to(next)).into_response())
}

/// `GET /start`: how to send the first error.
pub async fn start(State(dashboard): Shared, signed_in: SignedIn) -> Result<Response, Problem> {
    dashboard
        .page(move |store, frame| {
            let shell = Shell::read(store, frame, &signed_in.account, "start")?;
            let projects = store.projects()?;
            let project = projects.into_iter().next().ok_or_else(|| Problem::not_found("No project."))?;
            let keys = store.project_keys(project.id)?;
            let dsn = keys
                .iter()
                .find(|key| key.revoked_at.is_none())
                .and_then(|key| base_url::dsn(&frame.public_url, key.public_key, project.id))
                .ok_or_else(|| Problem::not_found("The project has no key; add one on the projects page."))?;
            let curl = base_url::curl_line(&frame.public_url, &dsn);
            let script_tag = browser_sdk::script_tag(&frame.public_url, &dsn);
            let integrity = browser_sdk::integrity();
            Ok(StartPage { shell, project: project.name, dsn: dsn.to_string(), curl, script_tag, integrity })
        })
        .await
}

async fn good_link(dashboard: &Dashboard, token: &str) -> Result<Link, Problem> {
    let hash = secret::hash(token);
    let found = store::blocking(&dashboard.store, move |store| store.find_link(&hash, clock::now())).await?;
    found.ok_or_else(used_up)
}

fn used_up() -> Problem {
    Problem::not_found(
        "This link was used already, is older than a week, or is not the latest one. Sign in, or make a new one on \
         the collector's machine: error-sentinel user add you@example.com",
    )
}

fn form(dashboard: &Dashboard, token: String, link: Link, email: String, error: String) -> Response {
    render(&SetupPage {
        prefix: dashboard.prefix.clone(),
        token,
        fixed_email: link.email,
        email,
        error,
        min_chars: password::MIN_CHARS,
    })
}
