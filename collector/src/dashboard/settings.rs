//! Settings: the mail server, alarms that were given up, people, the own password, tokens of programs.

use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::login::{Peer, TOO_MANY_TRIES, may_try};
use super::mail::MailForm;
use super::page::{Problem, Shell};
use super::session::{self, SignedIn};
use super::words::Moment;
use super::{Dashboard, Shared, link, password};
use crate::alert::words;
use crate::store::StoreError;
use crate::store::account::{Account, Token, TokenId};
use crate::store::outbox::AlarmId;
use crate::{clock, secret, store};

/// Dead letters shown.
const DEAD_LETTERS: usize = 50;

#[derive(Template)]
#[template(path = "dashboard/settings.html")]
struct SettingsPage {
    shell: Shell,
    notice: Notice,
    is_welcome: bool,
    /// Mail is set by file or environment and cannot be changed here.
    mail_is_fixed: bool,
    mail: MailForm,
    dead: Vec<DeadLetter>,
    /// Whoever looks comes first.
    people: Vec<Account>,
    tokens: Vec<(Token, Moment)>,
    min_chars: usize,
}

struct DeadLetter {
    id: i64,
    issue: String,
    title: String,
    kind: &'static str,
    error: String,
    since: Moment,
}

/// What to tell about what was just done.
#[derive(Debug, Clone, Default)]
pub struct Notice {
    good: String,
    bad: String,
    /// Shown once, to be copied.
    secret: String,
}

impl Notice {
    /// It worked.
    pub fn good(text: impl Into<String>) -> Notice {
        Notice { good: text.into(), ..Notice::default() }
    }

    /// It did not.
    pub fn bad(text: impl Into<String>) -> Notice {
        Notice { bad: text.into(), ..Notice::default() }
    }

    /// It worked, and this is what came out, for the only time.
    fn secret(text: impl Into<String>, secret: String) -> Notice {
        Notice { secret, ..Notice::good(text) }
    }
}

/// What the address says.
#[derive(Debug, Deserialize)]
pub struct Asked {
    #[serde(default)]
    saved: String,
    #[serde(default)]
    welcome: String,
}

/// `GET /settings`
pub async fn show(
    State(dashboard): Shared,
    signed_in: SignedIn,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let notice = match asked.saved.as_str() {
        "mail" => Notice::good("The mail server is saved; alarms that waited are being sent."),
        "password" => Notice::good("Your password is changed; your other sessions have ended."),
        "resend" => Notice::good("It is being sent again."),
        "token" => Notice::good("The token is revoked."),
        "removed" => Notice::good("That person is signed out and cannot sign in any more."),
        _ => Notice::default(),
    };
    write(&dashboard, signed_in, notice, None, !asked.welcome.is_empty()).await
}

/// The page with a notice; `typed` fills the mail form instead of what is stored.
pub async fn page(
    dashboard: &Arc<Dashboard>,
    signed_in: SignedIn,
    notice: Notice,
    typed: Option<MailForm>,
) -> Result<Response, Problem> {
    write(dashboard, signed_in, notice, typed, false).await
}

async fn write(
    dashboard: &Arc<Dashboard>,
    signed_in: SignedIn,
    notice: Notice,
    typed: Option<MailForm>,
    is_welcome: bool,
) -> Result<Response, Problem> {
    let fixed = dashboard.settings.smtp.clone();
    dashboard
        .page(move |store, frame| {
            let now = clock::now();
            let shell = Shell::read(store, frame, &signed_in.account, "settings")?;
            let dead = store.dead_letters(DEAD_LETTERS)?;
            let dead = dead
                .into_iter()
                .map(|alarm| {
                    let issue = store.issue(alarm.issue_id)?;
                    Ok(DeadLetter {
                        id: alarm.id.0,
                        issue: alarm.issue_id.to_string(),
                        title: issue.map(|issue| issue.title).unwrap_or_default(),
                        kind: words::kind(alarm.kind),
                        error: alarm.error.unwrap_or_default(),
                        since: Moment::new(alarm.created_at, now),
                    })
                })
                .collect::<store::Result<_>>()?;
            let tokens = store.tokens()?;
            let mut people = store.accounts()?;
            people.sort_by_key(|person| person.id != signed_in.account.id);
            Ok(SettingsPage {
                shell,
                notice,
                is_welcome,
                mail_is_fixed: fixed.is_some(),
                mail: match (fixed, typed) {
                    (Some(fixed), _) => fixed.into(),
                    (None, Some(typed)) => typed,
                    (None, None) => store.mail_settings()?.map(MailForm::from).unwrap_or_default(),
                },
                dead,
                people,
                tokens: tokens
                    .into_iter()
                    .map(|token| {
                        let made = Moment::new(token.created_at, now);
                        (token, made)
                    })
                    .collect(),
                min_chars: password::MIN_CHARS,
            })
        })
        .await
}

/// A new password, and the old one.
#[derive(Deserialize)]
pub struct PasswordForm {
    old_password: String,
    password: String,
    password_again: String,
}

/// `POST /settings/password`
pub async fn change_password(
    State(dashboard): Shared,
    signed_in: SignedIn,
    peer: Peer,
    headers: HeaderMap,
    Form(form): Form<PasswordForm>,
) -> Result<Response, Problem> {
    let known = signed_in.account.password_hash.clone();
    let wrong = if form.password != form.password_again {
        Some("The two passwords differ.".to_owned())
    } else if let Err(reason) = password::check(&form.password) {
        Some(format!("Please {reason}."))
    } else if !may_try(&dashboard, peer, &headers, &signed_in.account.email) {
        // Whoever holds a session that is not theirs must not find out the password by it.
        Some(TOO_MANY_TRIES.to_owned())
    } else if !password::verify_later(form.old_password, Some(known)).await {
        Some("The old password is not right.".to_owned())
    } else {
        None
    };
    if let Some(reason) = wrong {
        return page(&dashboard, signed_in, Notice::bad(reason), None).await;
    }
    let hash = password::hash_later(form.password)
        .await
        .map_err(|_| Problem::internal("The password cannot be kept."))?;
    let email = signed_in.account.email.clone();
    let account =
        store::blocking(&dashboard.store, move |store| store.set_password(&email, &hash, clock::now()))
            .await?;
    let cookie = session::open(&dashboard, &account).await?;
    Ok(([(header::SET_COOKIE, cookie)], dashboard.to("/settings?saved=password")).into_response())
}

/// Whom to let in, or no longer.
#[derive(Deserialize)]
pub struct Invitation {
    email: String,
}

/// `POST /settings/people`: a link by which somebody chooses a password; works without mail.
pub async fn invite(
    State(dashboard): Shared,
    signed_in: SignedIn,
    Form(invitation): Form<Invitation>,
) -> Result<Response, Problem> {
    let email = invitation.email.trim().to_owned();
    if !password::is_address(&email) {
        let notice = Notice::bad(format!("{email} is not a mail address."));
        return page(&dashboard, signed_in, notice, None).await;
    }
    let text =
        format!("Give this link to {email}. It works once, within a week, and replaces an earlier one.");
    let public_url = dashboard.public_url.clone();
    let link = store::blocking(&dashboard.store, move |store| {
        link::for_account(store, &public_url, &email, clock::now())
    });
    let link = link.await?;
    page(&dashboard, signed_in, Notice::secret(text, link), None).await
}

/// `POST /settings/people/remove`
pub async fn remove_person(
    State(dashboard): Shared,
    signed_in: SignedIn,
    Form(invitation): Form<Invitation>,
) -> Result<Response, Problem> {
    let email = invitation.email;
    match store::blocking(&dashboard.store, move |store| store.remove_account(&email)).await {
        Ok(_) => Ok(dashboard.to("/settings?saved=removed")),
        Err(StoreError::Conflict(reason)) => page(&dashboard, signed_in, Notice::bad(reason), None).await,
        Err(error) => Err(error.into()),
    }
}

/// What a token is for.
#[derive(Deserialize)]
pub struct TokenForm {
    name: String,
}

/// `POST /settings/tokens`
pub async fn create_token(
    State(dashboard): Shared,
    signed_in: SignedIn,
    Form(form): Form<TokenForm>,
) -> Result<Response, Problem> {
    let token =
        secret::new(secret::TOKEN_PREFIX).map_err(|_| Problem::internal("The system has no randomness."))?;
    let hash = secret::hash(&token);
    let name: String = form.name.trim().chars().take(100).collect();
    let name = if name.is_empty() { "unnamed".to_owned() } else { name };
    store::blocking(&dashboard.store, move |store| store.add_token(&name, &hash, clock::now())).await?;
    let notice = Notice::secret("Copy this token now; it cannot be shown again.", token);
    page(&dashboard, signed_in, notice, None).await
}

/// Something chosen by its number.
#[derive(Deserialize)]
pub struct Numbered {
    id: i64,
}

/// `POST /settings/tokens/revoke`
pub async fn revoke_token(
    State(dashboard): Shared,
    _: SignedIn,
    Form(Numbered { id }): Form<Numbered>,
) -> Result<Response, Problem> {
    store::blocking(&dashboard.store, move |store| store.revoke_token(TokenId(id))).await?;
    Ok(dashboard.to("/settings?saved=token"))
}

/// `POST /settings/resend`
pub async fn resend(
    State(dashboard): Shared,
    _: SignedIn,
    Form(Numbered { id }): Form<Numbered>,
) -> Result<Response, Problem> {
    store::blocking(&dashboard.store, move |store| store.resend(AlarmId(id), clock::now())).await?;
    Ok(dashboard.to("/settings?saved=resend"))
}
