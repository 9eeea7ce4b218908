//! Projects: their keys, who is told, and what their SDKs had to drop.

use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::response::Response;
use error_sentinel_wire::{ProjectId, PublicKey};
use serde::Deserialize;

use super::Shared;
use super::page::{Problem, Shell};
use super::session::SignedIn;
use super::words::{Moment, short_count};
use crate::clock;
use crate::settings::{base_url, mailbox};
use crate::store::{self, StoreError};

/// Losses are summed over this time.
const LOSSES_MS: i64 = 7 * 24 * 60 * 60 * 1000;

#[derive(Template)]
#[template(path = "dashboard/projects.html")]
struct ProjectsPage {
    shell: Shell,
    projects: Vec<ProjectView>,
}

struct ProjectView {
    id: String,
    name: String,
    dsn: String,
    keys: Vec<KeyView>,
    recipients: String,
    losses: Vec<LossView>,
}

struct KeyView {
    public_key: String,
    label: String,
    made: Moment,
    revoked: Option<Moment>,
}

struct LossView {
    quantity: String,
    what: String,
    why: String,
}

/// What was lost, in words.
fn lost(category: &str, quantity: u64) -> String {
    let (one, many) = match category {
        "error" | "default" => ("error", "errors"),
        "transaction" => ("trace", "traces"),
        "session" => ("session", "sessions"),
        "attachment" => ("attachment", "attachments"),
        other => return other.replace('_', " "),
    };
    if quantity == 1 { one } else { many }.to_owned()
}

/// Why an SDK drops something, in words; SDKs are free to name other reasons.
fn because(reason: &str) -> String {
    match reason {
        "queue_overflow" | "buffer_overflow" => "more came at once than its queue holds",
        "cache_overflow" => "more waited than it may keep on disk",
        "ratelimit_backoff" => "the collector had asked it to pause",
        "network_error" => "the collector could not be reached",
        "send_error" | "too_big" => "the collector did not take it",
        "sample_rate" => "it is set to send only a share",
        "before_send" | "event_processor" => "the application's own filter took it out",
        "internal_sdk_error" => "the SDK itself failed",
        "backpressure" => "the application was too busy",
        "insufficient_data" => "too little was known about it",
        other => return other.replace('_', " "),
    }
    .to_owned()
}

/// `GET /projects`
pub async fn show(State(dashboard): Shared, signed_in: SignedIn) -> Result<Response, Problem> {
    dashboard
        .page(move |store, frame| {
            let now = clock::now();
            let shell = Shell::read(store, frame, &signed_in.account, "projects")?;
            let mut projects = Vec::new();
            for project in store.projects()? {
                let keys = store.project_keys(project.id)?;
                let good = keys.iter().find(|key| key.revoked_at.is_none());
                let dsn = good.and_then(|key| base_url::dsn(&frame.public_url, key.public_key, project.id));
                let losses = store.losses(project.id, now.plus_ms(-LOSSES_MS))?;
                projects.push(ProjectView {
                    id: project.id.to_string(),
                    name: project.name,
                    dsn: dsn.map(|dsn| dsn.to_string()).unwrap_or_default(),
                    keys: keys
                        .into_iter()
                        .map(|key| KeyView {
                            public_key: key.public_key.to_string(),
                            label: key.label,
                            made: Moment::new(key.created_at, now),
                            revoked: key.revoked_at.map(|at| Moment::new(at, now)),
                        })
                        .collect(),
                    recipients: store.recipients(project.id)?.join(", "),
                    losses: losses
                        .into_iter()
                        .take(20)
                        .map(|loss| LossView {
                            quantity: short_count(loss.quantity),
                            what: lost(&loss.category, loss.quantity),
                            why: because(&loss.reason),
                        })
                        .collect(),
                });
            }
            Ok(ProjectsPage { shell, projects })
        })
        .await
}

/// A new project.
#[derive(Deserialize)]
pub struct NewProject {
    name: String,
}

/// `POST /projects`
pub async fn create(
    State(dashboard): Shared,
    _: SignedIn,
    Form(NewProject { name }): Form<NewProject>,
) -> Result<Response, Problem> {
    let name: String = name.trim().chars().take(100).collect();
    if name.is_empty() {
        return Err(Problem::bad("Give the project a name."));
    }
    let key = random_key()?;
    store::blocking(&dashboard.store, move |store| store.create_project(&name, key, clock::now())).await?;
    Ok(dashboard.to("/projects"))
}

/// What a key is for.
#[derive(Deserialize)]
pub struct NewKey {
    #[serde(default)]
    label: String,
}

/// `POST /projects/<id>/keys`
pub async fn add_key(
    State(dashboard): Shared,
    _: SignedIn,
    Path(id): Path<u32>,
    Form(NewKey { label }): Form<NewKey>,
) -> Result<Response, Problem> {
    let key = random_key()?;
    let label: String = label.trim().chars().take(100).collect();
    store::blocking(&dashboard.store, move |store| store.add_key(ProjectId(id), key, &label, clock::now()))
        .await?;
    Ok(dashboard.to("/projects"))
}

/// Which key.
#[derive(Deserialize)]
pub struct WhichKey {
    public_key: String,
}

/// `POST /projects/<id>/keys/revoke`
pub async fn revoke_key(
    State(dashboard): Shared,
    _: SignedIn,
    Path(id): Path<u32>,
    Form(WhichKey { public_key }): Form<WhichKey>,
) -> Result<Response, Problem> {
    let key = PublicKey::parse(&public_key).map_err(|error| Problem::bad(error.to_string()))?;
    store::blocking(&dashboard.store, move |store| match store.find_key(key)? {
        Some(found) if found.project_id == ProjectId(id) => store.revoke_key(key, clock::now()),
        _ => Err(StoreError::Conflict("This project has no such key.".into())),
    })
    .await?;
    Ok(dashboard.to("/projects"))
}

/// Who is told.
#[derive(Deserialize)]
pub struct Recipients {
    #[serde(default)]
    recipients: String,
}

/// `POST /projects/<id>/recipients`
pub async fn set_recipients(
    State(dashboard): Shared,
    _: SignedIn,
    Path(id): Path<u32>,
    Form(Recipients { recipients }): Form<Recipients>,
) -> Result<Response, Problem> {
    let addresses: Vec<String> = recipients
        .split([',', ';', '\n'])
        .map(|one| one.trim().to_owned())
        .filter(|one| !one.is_empty())
        .collect();
    if let Some(bad) = addresses.iter().find(|one| mailbox(one).is_none()) {
        return Err(Problem::bad(format!("{bad} is not a mail address.")));
    }
    store::blocking(&dashboard.store, move |store| store.set_recipients(ProjectId(id), &addresses)).await?;
    Ok(dashboard.to("/projects"))
}

fn random_key() -> Result<PublicKey, Problem> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| Problem::internal("The system has no randomness."))?;
    Ok(PublicKey(u128::from_be_bytes(bytes)))
}
