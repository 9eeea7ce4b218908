//! The worker that turns waiting alarms into mails.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use error_sentinel_wire::UnixMs;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use super::backoff;
use super::budget;
use super::delivery::{MailError, PATIENCE, deliver};
use super::mail::message::{Posting, message, message_id};
use super::mail::{Mail, digest, issue};
use crate::clock;
use crate::settings::{Settings, SmtpSettings};
use crate::store::outbox::{AlarmId, AlarmKind, ClaimedMail, Outcome, Progress};
use crate::store::{Issue, IssueId, Result, Store, StoreError, blocking};

/// How long a claimed mail is ours; longer than handing it to one recipient can take.
const LEASE_MS: i64 = 15_000;
const _: () = assert!(LEASE_MS as u128 > PATIENCE.as_millis());
/// Longest sleep: what another process wrote and a clock that was set are noticed after it.
const SLEEP_MAX: Duration = Duration::from_secs(5);
/// Shortest pause after the store failed.
const STORE_PAUSE: Duration = Duration::from_secs(1);
/// Longest that [`Bell::stop`] waits for the mail in hand.
const STOP_PATIENCE: Duration = Duration::from_millis(1500);
/// What was sent is remembered for so long.
const MEMORY_MS: i64 = 90 * 86_400_000;
/// Time between two looks at what can be forgotten.
const FORGET_EVERY_MS: i64 = 3_600_000;

/// The bell: sends what waits in the outbox until it is stopped.
#[derive(Debug)]
pub struct Bell {
    nudge: Arc<Notify>,
    stopping: watch::Sender<bool>,
    worker: std::sync::Mutex<Option<JoinHandle<()>>>,
}

impl Bell {
    /// Starts the worker; needs a tokio runtime.
    pub fn start(store: Arc<dyn Store>, settings: Arc<Settings>) -> Bell {
        let nudge = Arc::new(Notify::new());
        let (stopping, stopped) = watch::channel(false);
        let worker = Worker { store, settings, nudge: nudge.clone(), stopped, forgot_at: UnixMs(0) };
        let worker = std::sync::Mutex::new(Some(tokio::spawn(worker.run())));
        Bell { nudge, stopping, worker }
    }

    /// Says that an alarm was written, or that mail was set up. Cheap; from any thread.
    pub fn nudge(&self) {
        self.nudge.notify_one();
    }

    /// Finishes the mail in hand, for a moment at most, and stops. A mail that was cut off is sent again
    /// at the next start.
    pub async fn stop(&self) {
        self.stopping.send_replace(true);
        let worker = self.worker.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        let Some(mut worker) = worker else { return };
        if tokio::time::timeout(STOP_PATIENCE, &mut worker).await.is_err() {
            tracing::warn!("the mail server is slow; the mail in hand is sent again at the next start");
            worker.abort();
        }
    }
}

struct Worker {
    store: Arc<dyn Store>,
    settings: Arc<Settings>,
    nudge: Arc<Notify>,
    stopped: watch::Receiver<bool>,
    forgot_at: UnixMs,
}

impl Worker {
    async fn run(mut self) {
        let mut failing = false;
        loop {
            let sleep = match self.round().await {
                Ok(sleep) => {
                    failing = false;
                    sleep
                }
                Err(error) => {
                    if !std::mem::replace(&mut failing, true) {
                        tracing::error!(error = %error, "alarms cannot be read or written; they wait");
                    }
                    STORE_PAUSE
                }
            };
            tokio::select! {
                () = self.nudge.notified() => {}
                () = tokio::time::sleep(sleep) => {}
                // An error says that the bell is gone, which ends the worker too.
                _ = self.stopped.wait_for(|stopped| *stopped) => return,
            }
        }
    }

    /// Sends everything that is due; says how long nothing will be.
    async fn round(&mut self) -> Result<Duration> {
        self.forget().await?;
        let Some(smtp) = self.smtp().await? else { return Ok(SLEEP_MAX) };
        let mut look_again_at = self.plan(&smtp).await?;
        while !*self.stopped.borrow() {
            let now = clock::now();
            let Some(mail) = blocking(&self.store, move |store| store.claim_mail(now, LEASE_MS)).await?
            else {
                break;
            };
            self.send(&smtp, mail).await?;
            // What rang meanwhile may be more pressing than what was next.
            look_again_at = self.plan(&smtp).await?;
        }
        let next = blocking(&self.store, |store| store.next_mail_at()).await?;
        let now = clock::now();
        let wait_ms = next.into_iter().chain(look_again_at).map(|at| at.since(now)).min();
        let wait = wait_ms.map(|ms| Duration::from_millis(u64::try_from(ms).unwrap_or(0)));
        // A round that found nothing to do is not repeated at once, whatever the clock says.
        Ok(wait.map_or(SLEEP_MAX, |wait| wait.clamp(Duration::from_millis(50), SLEEP_MAX)))
    }

    /// The mail server: that of the settings, else that of the dashboard.
    async fn smtp(&self) -> Result<Option<SmtpSettings>> {
        match &self.settings.smtp {
            Some(smtp) => Ok(Some(smtp.clone())),
            None => blocking(&self.store, |store| store.mail_settings()).await,
        }
    }

    /// Decides which waiting alarms become mails; says when to look again.
    async fn plan(&self, smtp: &SmtpSettings) -> Result<Option<UnixMs>> {
        let settings = self.settings.alert.clone();
        let has_default = !smtp.to.is_empty();
        blocking(&self.store, move |store| {
            let now = clock::now();
            // Alarms of a project that nobody is told about wait, as they do without a mail server.
            let mut told = HashSet::new();
            for project in if has_default { Vec::new() } else { store.projects()? } {
                if !store.recipients(project.id)?.is_empty() {
                    told.insert(project.id);
                }
            }
            let mut look_again_at: Option<UnixMs> = None;
            store.plan_mails(now, budget::past_from(&settings, now), &mut |backlog| {
                if !has_default && !told.contains(&backlog.project_id) {
                    return Vec::new();
                }
                let plan = budget::plan(backlog, &settings, now);
                look_again_at = look_again_at.into_iter().chain(plan.look_again_at).min();
                plan.mails
            })?;
            Ok(look_again_at)
        })
        .await
    }

    /// Forgets what was sent long ago, now and then.
    async fn forget(&mut self) -> Result<()> {
        let now = clock::now();
        if (0..FORGET_EVERY_MS).contains(&now.since(self.forgot_at)) {
            return Ok(());
        }
        self.forgot_at = now;
        blocking(&self.store, move |store| store.forget_alarms(now.plus_ms(-MEMORY_MS))).await
    }

    /// Sends one claimed mail to each of its recipients and settles it, whatever happens.
    async fn send(&self, smtp: &SmtpSettings, mail: ClaimedMail) -> Result<()> {
        let mut progress =
            Progress { delivered_to: mail.delivered_to.clone(), refused: mail.refused.clone() };
        let failure = match self.send_to_all(smtp, &mail, &mut progress).await {
            Ok(failure) => failure,
            // The store failed between two recipients; what is known is written down below, or the lease ends.
            Err(error) => Some(error.to_string()),
        };
        let attempt_count = mail.attempt_count.saturating_add(1);
        let now = clock::now();
        let outcome = outcome(&progress, failure, attempt_count, now, random());
        match &outcome {
            Outcome::Sent => tracing::debug!(mail = mail.id.0, "mail sent"),
            Outcome::Retry { error, .. } => {
                tracing::warn!(mail = mail.id.0, attempt_count, error, "mail not sent; trying again later");
            }
            Outcome::Dead { error } => tracing::error!(mail = mail.id.0, error, "mail given up"),
        }
        blocking(&self.store, move |store| store.settle_mail(mail.id, &progress, &outcome, clock::now()))
            .await
    }

    /// Says what failed for a recipient who is still to be told.
    async fn send_to_all(
        &self,
        smtp: &SmtpSettings,
        mail: &ClaimedMail,
        progress: &mut Progress,
    ) -> Result<Option<String>> {
        let project_id = mail.project_id;
        let (project, own) = blocking(&self.store, move |store| {
            let project = store.projects()?.into_iter().find(|project| project.id == project_id);
            Ok((project.map_or_else(|| project_id.0.to_string(), |p| p.name), store.recipients(project_id)?))
        })
        .await?;
        let recipients = if own.is_empty() { smtp.to.clone() } else { own };
        if recipients.is_empty() {
            let error = "there is no recipient; set smtp.to, or addresses for the project";
            return Ok(Some(error.to_owned()));
        }
        let mut failure = None;
        let has_it = |progress: &Progress, to: &String| {
            progress.delivered_to.contains(to) || progress.refused.iter().any(|(address, _)| address == to)
        };
        for to in &recipients {
            if has_it(progress, to) {
                continue;
            }
            let (id, known) = (mail.id, progress.clone());
            let still =
                blocking(&self.store, move |store| store.renew_mail(id, &known, clock::now(), LEASE_MS))
                    .await?;
            if still.is_empty() {
                return Ok(Some("the issue was resolved or ignored meanwhile".to_owned()));
            }
            match self.send_to_one(smtp, mail, &still, &project, to).await? {
                Ok(()) => progress.delivered_to.push(to.clone()),
                Err(error) if error.is_permanent() => progress.refused.push((to.clone(), error.to_string())),
                // The next recipient may fare better: greylisting is by recipient.
                Err(error @ (MailError::Recipient { .. } | MailError::Content { .. })) => {
                    failure = Some(error.to_string());
                }
                Err(error) => return Ok(Some(error.to_string())),
            }
        }
        Ok(failure)
    }

    async fn send_to_one(
        &self,
        smtp: &SmtpSettings,
        mail: &ClaimedMail,
        still: &[AlarmId],
        project: &str,
        to: &str,
    ) -> Result<std::result::Result<(), MailError>> {
        let public_url = public_url(&self.settings);
        let id = message_id(&smtp.from, mail.id.0, mail.planned_at, to);
        let kinds = kinds_by_issue(mail, still);
        let (name, recipient, own_id) = (project.to_owned(), to.to_owned(), id.clone());
        let (content, root) = blocking(&self.store, move |store| {
            compose(store, &kinds, &name, &public_url, &recipient, &own_id)
        })
        .await?;
        let posting = Posting {
            from: &smtp.from,
            to,
            date: mail.planned_at,
            message_id: &id,
            thread: root.as_deref().filter(|root| *root != id),
            project: Some((mail.project_id, project)),
        };
        match message(&content, &posting) {
            Ok(message) => Ok(deliver(smtp, &message, to).await),
            Err(error) => Ok(Err(error)),
        }
    }
}

/// How people reach the dashboard.
fn public_url(settings: &Settings) -> String {
    settings.public_url.clone().unwrap_or_else(|| format!("http://{}", settings.listen))
}

/// The issues to tell and why each rings: the gravest of its alarms, else the latest.
fn kinds_by_issue(mail: &ClaimedMail, still: &[AlarmId]) -> Vec<(IssueId, AlarmKind)> {
    let mut kinds: Vec<(IssueId, AlarmKind)> = Vec::new();
    for alarm in mail.alarms.iter().filter(|alarm| still.contains(&alarm.id)) {
        match kinds.iter_mut().find(|(issue, _)| *issue == alarm.issue_id) {
            Some((_, kind)) if *kind != AlarmKind::Critical => *kind = alarm.kind,
            Some(_) => {}
            None => kinds.push((alarm.issue_id, alarm.kind)),
        }
    }
    kinds.sort_by_key(|(_, kind)| *kind != AlarmKind::Critical);
    kinds
}

/// Writes the mail, and finds the one that it answers.
fn compose(
    store: &dyn Store,
    kinds: &[(IssueId, AlarmKind)],
    project: &str,
    public_url: &str,
    recipient: &str,
    message_id: &str,
) -> Result<(Mail, Option<String>)> {
    let failed = |error: askama::Error| StoreError::Conflict(format!("the mail cannot be written: {error}"));
    if let [(id, kind)] = *kinds {
        let issue = store.issue(id)?.ok_or_else(|| StoreError::Conflict("the issue is gone".into()))?;
        let event = store.latest_event(id)?;
        let topic =
            issue::Topic { project, issue: &issue, event: event.as_ref(), kind, public_url, recipient };
        let root = store.mail_thread(id, recipient, message_id)?;
        return Ok((issue::issue(&topic).map_err(failed)?, Some(root)));
    }
    let mut issues: Vec<(Issue, AlarmKind)> = Vec::with_capacity(kinds.len());
    for (id, kind) in kinds {
        issues.extend(store.issue(*id)?.map(|issue| (issue, *kind)));
    }
    let topic = digest::Topic { project, issues: &issues, public_url, recipient };
    Ok((digest::digest(&topic).map_err(failed)?, None))
}

/// What a try comes to. Pure.
fn outcome(
    progress: &Progress,
    failure: Option<String>,
    attempt_count: u32,
    now: UnixMs,
    random: u64,
) -> Outcome {
    let refusals =
        || progress.refused.iter().map(|(to, reason)| format!("{to}: {reason}")).collect::<Vec<_>>();
    match failure {
        Some(error) => match backoff::next_attempt(attempt_count, now, random) {
            Some(at) => Outcome::Retry { at, error },
            None => Outcome::Dead { error: format!("given up after {attempt_count} tries: {error}") },
        },
        None if progress.refused.is_empty() => Outcome::Sent,
        None => Outcome::Dead { error: refusals().join("; ") },
    }
}

fn random() -> u64 {
    // Without randomness mails that failed together are tried together, which is bearable.
    getrandom::u64().unwrap_or(0)
}

#[cfg(test)]
mod tests;
