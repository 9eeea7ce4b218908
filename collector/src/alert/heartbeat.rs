//! Calls a URL while the collector is well, so that somebody notices when the alarm itself is dead.

use std::time::Duration;

use crate::http_client;

/// Time between two calls.
const PERIOD: Duration = Duration::from_secs(60);

/// Calls `url` every minute while `well` says so; returns never. Spawn it and abort it to stop.
///
/// The URL may hold a key, so it is in no log. Of many failures in a row only the first is logged, and that it
/// works again.
pub async fn heartbeat(url: &str, well: impl Fn() -> bool) {
    let client = match http_client::builder().build() {
        Ok(client) => client,
        Err(error) => {
            tracing::error!(error = %error, "the heartbeat cannot be sent");
            return;
        }
    };
    let mut ticks = tokio::time::interval(PERIOD);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut failing = false;
    loop {
        ticks.tick().await;
        if !well() {
            continue;
        }
        let answer = client.get(url).send().await.and_then(reqwest::Response::error_for_status);
        match answer {
            Ok(_) => {
                if std::mem::take(&mut failing) {
                    tracing::info!("the heartbeat is heard again");
                }
            }
            Err(error) => {
                if !std::mem::replace(&mut failing, true) {
                    let error = error.without_url();
                    tracing::warn!(error = %error, "the heartbeat URL does not answer; trying every minute");
                }
            }
        }
    }
}
