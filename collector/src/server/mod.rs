//! Puts the stages together and runs them until the process is told to stop.
//!
//! The order matters twice. At the start the queue and the store are open before the first connection is
//! accepted; at the end no new work is accepted, what is on its way is answered, digest empties what it can,
//! and whatever is left lies on the disk for the next start.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use error_sentinel_wire::{Dsn, PublicKey};
use tokio::net::TcpListener;
use tokio::time::{Instant, MissedTickBehavior};

use crate::alert::{Bell, heartbeat};
use crate::api;
use crate::browser_sdk;
use crate::clock;
use crate::dashboard;
use crate::data_dir::DataDir;
use crate::digest::worker::{Digest, State};
use crate::feed::Feed;
use crate::ingest;
use crate::metrics::Metrics;
use crate::queue::Queue;
use crate::settings::{Settings, base_url};
use crate::store::sqlite::SqliteStore;
use crate::store::{self, Store};

pub mod first_start;
pub mod health;
pub mod limits;
pub mod listen;
pub mod opening;
pub mod paths;
pub mod welcome;

use welcome::Welcome;

/// Most time for the requests in hand, and then for digest, when the process is told to stop. With the time that
/// the bell takes they stay below the ten seconds after which container platforms kill.
const DRAIN_REQUESTS: Duration = Duration::from_secs(4);
const DRAIN_QUEUE: Duration = Duration::from_secs(3);
/// Most time for the batch that digest has in hand after that.
const STOP_DIGEST: Duration = Duration::from_secs(1);
/// Time between two looks at what has aged.
const UPKEEP_EVERY: Duration = Duration::from_secs(60);

/// Runs the collector on a folder that the caller has locked, until the process is told to stop.
///
/// # Errors
/// What keeps it from starting, as one sentence with the next step.
pub async fn run(settings: Settings, data_dir: &DataDir) -> anyhow::Result<()> {
    let settings = Arc::new(settings);
    let listener = TcpListener::bind(settings.listen).await.with_context(|| {
        format!(
            "{} cannot be listened on (is another server there? --listen 127.0.0.1:0 takes a free port)",
            settings.listen
        )
    })?;
    let own_url = base_url::of_address(listener.local_addr()?);
    let public_url: Arc<str> = settings.public_url.clone().unwrap_or_else(|| own_url.clone()).into();

    let (sqlite, queue) = opening::open(data_dir, settings.queue_limit_bytes)?;
    let queue: Arc<dyn Queue> = queue;
    let store: Arc<dyn Store> = sqlite.clone();
    first_start::ensure_project(&*store, random_key()?, clock::now())?;
    let dsn = first_dsn(&*store, &public_url)?;

    let feed = Feed::default();
    let metrics = Arc::new(Metrics::default());
    // Mails link to where people find the dashboard, which only the bound address tells where nothing is set.
    let known = Settings { public_url: Some(public_url.to_string()), ..Settings::clone(&settings) };
    let bell = Arc::new(Bell::start(store.clone(), Arc::new(known)));
    let nudged = bell.clone();
    let ring = move || nudged.nudge();
    let digest = Arc::new(Digest::start(queue.clone(), store.clone(), feed.clone(), &settings, ring)?);
    let heartbeat = settings.heartbeat_url.clone().map(|url| {
        let digest = digest.clone();
        tokio::spawn(async move { heartbeat(&url, || digest.state() == State::Running).await })
    });
    let upkeep = tokio::spawn(upkeep(sqlite.clone(), settings.disk_budget_bytes));

    let app = Router::new()
        .merge(ingest::router(ingest::Deps {
            queue: queue.clone(),
            keys: Arc::new(store.clone()),
            settings: settings.clone(),
            metrics: metrics.clone(),
        }))
        .merge(health::router(health::Health {
            queue: queue.clone(),
            store: store.clone(),
            digest: digest.clone(),
            metrics,
        }))
        .merge(browser_sdk::router())
        .merge(api::router(api::Api { store: store.clone(), feed: feed.clone() }))
        .merge(dashboard::router(dashboard::Deps {
            store: store.clone(),
            feed: feed.clone(),
            settings: settings.clone(),
            public_url: public_url.clone(),
        }));
    let app = paths::tidied(app, base_url::path_of(&public_url));

    data_dir.note_address(&own_url)?;
    let setup_link = match store.needs_setup()? {
        true => Some(dashboard::link::for_setup(&*store, &public_url)?),
        false => None,
    };
    let text = Welcome {
        public_url: &public_url,
        own_url: &own_url,
        setup_link: setup_link.as_deref(),
        dsn: dsn.as_ref(),
        data_dir: &data_dir.path().display().to_string(),
    }
    .text();
    // A closed standard output is no reason not to serve.
    let _ = std::io::stdout().lock().write_all(text.as_bytes());

    let stop = stop_signal(feed.clone())?;
    listen::serve(listener, app, limits::connections(), stop, DRAIN_REQUESTS).await;

    upkeep.abort();
    heartbeat.inspect(tokio::task::JoinHandle::abort);
    queue.close();
    drain(&*queue, &digest).await;
    let stopped = digest.clone();
    let joined = tokio::task::spawn_blocking(move || stopped.stop());
    let mut has_ended = true;
    match tokio::time::timeout(STOP_DIGEST, joined).await {
        Ok(joined) => joined?,
        // It waits for a lock of somebody else; what it has not recorded is in the queue, whenever it ends.
        Err(_) => {
            has_ended = false;
            tracing::warn!("the store does not answer; what is left is recorded by the next start");
        }
    }
    bell.stop().await;
    if has_ended {
        if let Err(error) = tokio::task::spawn_blocking(move || sqlite.settle()).await? {
            tracing::debug!(%error, "the store's log is left for the next start");
        }
        data_dir.note_ended()?;
    }
    tracing::info!(left_in_queue = queue.depth().job_count, "stopped");
    Ok(())
}

/// The DSN of the first project that has a key, to be shown.
fn first_dsn(store: &dyn Store, public_url: &str) -> store::Result<Option<Dsn>> {
    for project in store.projects()? {
        let keys = store.project_keys(project.id)?;
        if let Some(key) = keys.into_iter().find(|key| key.revoked_at.is_none()) {
            return Ok(base_url::dsn(public_url, key.public_key, project.id));
        }
    }
    Ok(None)
}

fn random_key() -> anyhow::Result<PublicKey> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("the system has no randomness: {error}"))?;
    Ok(PublicKey(u128::from_be_bytes(bytes)))
}

/// Ready when the process is told to stop; ends the live pages, which would hold the drain up.
fn stop_signal(feed: Feed) -> anyhow::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
        .context("the signal to stop cannot be heard")?;
    Ok(async move {
        let interrupt = async {
            if let Err(error) = tokio::signal::ctrl_c().await {
                tracing::error!(%error, "Ctrl-C cannot be heard");
                std::future::pending::<()>().await;
            }
        };
        #[cfg(unix)]
        tokio::select! {
            () = interrupt => {}
            _ = terminate.recv() => {}
        }
        #[cfg(not(unix))]
        interrupt.await;
        tracing::info!("stopping");
        feed.close();
    })
}

/// Waits until digest has emptied the queue, as long as patience lasts: a store that is locked now may be free in a
/// moment.
async fn drain(queue: &dyn Queue, digest: &Digest) {
    let deadline = Instant::now() + DRAIN_QUEUE;
    while queue.depth().job_count > 0 && digest.state() != State::Stopped && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Folds what has aged and keeps the store within its disk budget.
async fn upkeep(store: Arc<SqliteStore>, disk_budget_bytes: u64) {
    let mut every = tokio::time::interval(UPKEEP_EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        let store = store.clone();
        let done = tokio::task::spawn_blocking(move || store.maintain(clock::now(), disk_budget_bytes)).await;
        match done {
            Ok(Ok(done)) => tracing::debug!(?done, "upkeep"),
            // The next round tries again; a full disk is said by every stage that meets it.
            Ok(Err(error)) => tracing::warn!(%error, "upkeep did not finish"),
            Err(error) => tracing::error!(%error, "upkeep failed"),
        }
    }
}

#[cfg(test)]
mod tests;
