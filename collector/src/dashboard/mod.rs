//! People: one page a file, templates in `collector/templates/dashboard`, styles and the one script beside them.
//!
//! Pages are HTML from the server and work without a script; the script only brings life (counts that move,
//! copy buttons). Text from events is hostile: templates escape all of it, the content security policy allows
//! no inline code, and no page ever loads anything from elsewhere.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::middleware::{from_fn_with_state, map_response_with_state};
use axum::routing::{get, post};
use tower_http::compression::CompressionLayer;

use crate::feed::Feed;
use crate::settings::{Settings, base_url};
use crate::store::Store;

mod assets;
mod attempts;
mod event_list;
mod event_view;
mod issue_list;
mod issue_page;
pub mod link;
mod live;
mod login;
mod mail;
mod page;
pub mod password;
mod projects;
mod session;
mod settings;
mod setup;
mod sparkline;
#[cfg(test)]
mod tests;
mod words;

/// What the pages work with.
#[derive(Clone)]
pub struct Deps {
    /// What is shown and changed.
    pub store: Arc<dyn Store>,
    /// What just changed.
    pub feed: Feed,
    /// Whether mail is configured, and which proxies are trusted.
    pub settings: Arc<Settings>,
    /// How people reach the pages, without trailing slash; its path is the prefix of every link.
    pub public_url: Arc<str>,
}

/// The stage's state, shared by its requests.
struct Dashboard {
    store: Arc<dyn Store>,
    feed: Feed,
    settings: Arc<Settings>,
    public_url: Arc<str>,
    /// Path of the public URL: empty, or starting with a slash.
    prefix: String,
    attempts: attempts::Attempts,
}

type Shared = State<Arc<Dashboard>>;

/// The pages. Unknown paths end here.
pub fn router(deps: Deps) -> Router {
    let prefix = base_url::path_of(&deps.public_url).to_owned();
    let dashboard = Arc::new(Dashboard {
        store: deps.store,
        feed: deps.feed,
        settings: deps.settings,
        public_url: deps.public_url,
        prefix,
        attempts: attempts::Attempts::default(),
    });
    Router::new()
        .route("/", get(issue_list::show))
        .route("/issues", get(issue_list::show))
        .route("/issues/{id}", get(issue_page::show))
        .route("/issues/{id}/events", get(event_list::show))
        .route("/issues/{id}/events/{event_id}", get(issue_page::show_event))
        .route("/issues/{id}/status", post(issue_page::set_status))
        .route("/events/{file}", get(issue_page::raw))
        .route("/live", get(live::stream))
        .route("/start", get(setup::start))
        .route("/projects", get(projects::show).post(projects::create))
        .route("/projects/{id}/keys", post(projects::add_key))
        .route("/projects/{id}/keys/revoke", post(projects::revoke_key))
        .route("/projects/{id}/recipients", post(projects::set_recipients))
        .route("/settings", get(settings::show))
        .route("/settings/mail", get(settings::show).post(mail::save))
        .route("/settings/password", post(settings::change_password))
        .route("/settings/people", post(settings::invite))
        .route("/settings/people/remove", post(settings::remove_person))
        .route("/settings/tokens", post(settings::create_token))
        .route("/settings/tokens/revoke", post(settings::revoke_token))
        .route("/settings/resend", post(settings::resend))
        .route("/setup", get(setup::show).post(setup::choose_password))
        .route("/login", get(login::show).post(login::enter))
        .route("/logout", post(login::leave))
        .route("/static/{name}", get(assets::file))
        .fallback(page::not_found)
        .layer(from_fn_with_state(dashboard.clone(), session::refuse_forged))
        .layer(map_response_with_state(dashboard.clone(), page::finish))
        .layer(CompressionLayer::new())
        .with_state(dashboard)
}
