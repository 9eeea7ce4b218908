//! The mail server, where it is not set by file or environment: a form, and a test before it counts.

use axum::Form;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::Shared;
use super::page::Problem;
use super::session::SignedIn;
use super::settings::{self, Notice};
use crate::alert::send_test;
use crate::settings::{Secret, SmtpSettings, SmtpTls};
use crate::store;

/// The form: what was typed, or what is stored.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct MailForm {
    /// Name of the server.
    pub host: String,
    /// Its port; empty for the usual one.
    pub port: String,
    /// `starttls`, `tls` or `none`.
    pub tls: String,
    /// Sender.
    pub from: String,
    /// Recipients, separated by commas.
    pub to: String,
    /// Login; may be empty.
    pub username: String,
    /// What was typed, and never what is stored.
    pub mail_password: String,
    /// Whether leaving the password empty keeps a stored one.
    #[serde(skip)]
    pub keeps_password: bool,
    /// `save` or `test`.
    action: String,
}

impl From<SmtpSettings> for MailForm {
    fn from(smtp: SmtpSettings) -> MailForm {
        MailForm {
            host: smtp.host,
            port: smtp.port.to_string(),
            tls: smtp.tls.as_str().to_owned(),
            from: smtp.from,
            to: smtp.to.join(", "),
            username: smtp.username.unwrap_or_default(),
            mail_password: String::new(),
            keeps_password: smtp.password.is_some(),
            action: String::new(),
        }
    }
}

/// `POST /settings/mail`
pub async fn save(
    State(dashboard): Shared,
    signed_in: SignedIn,
    Form(mut form): Form<MailForm>,
) -> Result<Response, Problem> {
    if let Some(smtp) = &dashboard.settings.smtp {
        // What the machine's owner has set counts; only a test is left to do.
        let notice = test(smtp, &signed_in.account.email, &dashboard.public_url).await;
        return settings::page(&dashboard, signed_in, notice, None).await;
    }
    let stored = store::blocking(&dashboard.store, |store| store.mail_settings()).await?;
    let read = read(&form, stored);
    // Whoever typed all that must not type it again, the password included: it goes back to nobody else, and
    // nothing keeps the page.
    form.keeps_password = read.as_ref().is_ok_and(|smtp| smtp.password.is_some());
    let smtp = match read {
        Ok(smtp) => smtp,
        Err(reason) => return settings::page(&dashboard, signed_in, Notice::bad(reason), Some(form)).await,
    };
    if form.action == "test" {
        let notice = test(&smtp, &signed_in.account.email, &dashboard.public_url).await;
        return settings::page(&dashboard, signed_in, notice, Some(form)).await;
    }
    store::blocking(&dashboard.store, move |store| store.set_mail_settings(Some(&smtp))).await?;
    Ok(dashboard.to("/settings?saved=mail").into_response())
}

/// Sends a mail to whoever asks; the settings need not be saved for that.
async fn test(smtp: &SmtpSettings, to: &str, public_url: &str) -> Notice {
    match send_test(smtp, to, public_url).await {
        Ok(()) => Notice::good(format!("A test mail is on its way to {to}.")),
        Err(error) => Notice::bad(format!("The test mail was not sent: {error}")),
    }
}

/// Reads the form; an empty password field keeps the password that is stored for the same server.
fn read(form: &MailForm, stored: Option<SmtpSettings>) -> Result<SmtpSettings, String> {
    let text = |text: &str| text.trim().to_owned();
    let tls = match form.tls.as_str() {
        "none" => SmtpTls::None,
        "tls" => SmtpTls::Tls,
        _ => SmtpTls::StartTls,
    };
    let host = text(&form.host);
    if host.is_empty() || host.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err("Name the mail server, such as mail.example.com.".into());
    }
    let port = match form.port.trim() {
        "" => tls.default_port(),
        port => port.parse().map_err(|_| "The port is a number up to 65535.".to_owned())?,
    };
    let addresses = |text: &str| -> Result<Vec<String>, String> {
        let addresses: Vec<String> = text
            .split([',', ';', '\n'])
            .map(|one| one.trim().to_owned())
            .filter(|one| !one.is_empty())
            .collect();
        match addresses.iter().find(|one| crate::settings::mailbox(one).is_none()) {
            Some(bad) => Err(format!("{bad} is not a mail address.")),
            None if addresses.is_empty() => Err("Name at least one address to write to.".into()),
            None => Ok(addresses),
        }
    };
    let from = addresses(&form.from).map_err(|_| "Name the address that mails come from.".to_owned())?;
    let username = Some(text(&form.username)).filter(|name| !name.is_empty());
    let kept = stored.filter(|stored| stored.host == host && stored.username == username);
    let password = match form.mail_password.as_str() {
        "" => kept.and_then(|stored| stored.password),
        typed => Some(Secret(typed.to_owned())),
    };
    Ok(SmtpSettings {
        host,
        port,
        from: from.into_iter().next().unwrap_or_default(),
        to: addresses(&form.to)?,
        username,
        password,
        tls,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(host: &str, password: &str) -> MailForm {
        MailForm {
            host: host.into(),
            port: String::new(),
            tls: "tls".into(),
            from: "alarm@example.com".into(),
            to: "a@example.com, b@example.com".into(),
            username: "alarm".into(),
            mail_password: password.into(),
            ..MailForm::default()
        }
    }

    #[test]
    fn a_form_is_read_and_what_is_wrong_is_named() {
        let smtp = read(&form("mail.example.com", "s3cret"), None).unwrap();
        assert_eq!((smtp.port, smtp.to.len()), (SmtpTls::Tls.default_port(), 2));
        assert!(read(&form("", ""), None).unwrap_err().contains("mail server"));
        let bad = MailForm { to: "nobody".into(), ..form("mail.example.com", "") };
        assert!(read(&bad, None).unwrap_err().contains("nobody"));
        let bad = MailForm { port: "99999".into(), ..form("mail.example.com", "") };
        assert!(read(&bad, None).unwrap_err().contains("port"));
    }

    #[test]
    fn an_empty_password_keeps_the_stored_one_for_the_same_server_only() {
        let stored = read(&form("mail.example.com", "s3cret"), None).unwrap();
        let same = read(&form("mail.example.com", ""), Some(stored.clone())).unwrap();
        assert_eq!(same.password, stored.password);
        let other = read(&form("evil.example.com", ""), Some(stored)).unwrap();
        assert_eq!(other.password, None);
    }
}
