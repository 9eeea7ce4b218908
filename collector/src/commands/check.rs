//! `check`: shows what is in force and tries what can be tried without changing anything.

use std::path::Path;

use clap::Args;
use console::style;
use serde::Serialize;

use super::progress::Progress;
use super::{Failure, Outcome, output};
use crate::alert;
use crate::data_dir::{DataDir, DataDirError};
use crate::database::{self, Soundness};
use crate::settings::{Loaded, SETTINGS, Settings, SmtpTls};

/// Check settings, data folder and mail server without changing anything
#[derive(Debug, Args)]
#[command(after_help = "The exit status is 1 if something is wrong.")]
pub struct Check {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Print a settings file that explains every setting, and do nothing else
    #[arg(long)]
    pub example_config: bool,
}

/// Everything that was found.
#[derive(Debug, Serialize)]
struct Report {
    ok: bool,
    settings: Vec<SettingInForce>,
    findings: Vec<Finding>,
}

#[derive(Debug, Serialize)]
struct SettingInForce {
    name: &'static str,
    /// Secrets as `***`; null when there is none.
    value: Option<String>,
    source: String,
}

#[derive(Debug, Serialize)]
struct Finding {
    subject: &'static str,
    verdict: Verdict,
    detail: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Ok,
    Warning,
    Wrong,
}

impl Check {
    pub(super) async fn run(self, loaded: Loaded) -> Outcome {
        let report = Report::new(&loaded).await;
        if self.json {
            output::json(&report)?;
        } else {
            report.print()?;
        }
        if report.ok {
            return Ok(());
        }
        Err(Failure::new("something is wrong; see above"))
    }
}

impl Report {
    async fn new(loaded: &Loaded) -> Report {
        let settings = &loaded.settings;
        let mut findings = Vec::new();
        findings.extend(data_folder(settings));
        findings.extend(mail(settings).await);
        findings.extend(reach(settings));
        let in_force = SETTINGS.iter().map(|setting| SettingInForce {
            name: setting.name,
            value: setting.show(settings),
            source: loaded.origin(setting).to_string(),
        });
        let ok = findings.iter().all(|finding| finding.verdict != Verdict::Wrong);
        Report { ok, settings: in_force.collect(), findings }
    }

    fn print(&self) -> Outcome {
        let rows = self.settings.iter().map(|setting| {
            let value = setting.value.clone().unwrap_or_else(|| "-".into());
            [setting.name.to_owned(), value, setting.source.clone()]
        });
        output::table(["SETTING", "VALUE", "FROM"], rows)?;
        output::line("")?;
        for finding in &self.findings {
            let verdict = match finding.verdict {
                Verdict::Ok => style("ok     ").green(),
                Verdict::Warning => style("warning").yellow(),
                Verdict::Wrong => style("wrong  ").red().bold(),
            };
            output::line(format_args!("{verdict}  {}: {}", finding.subject, finding.detail))?;
        }
        Ok(())
    }
}

fn finding(subject: &'static str, verdict: Verdict, detail: impl Into<String>) -> Finding {
    Finding { subject, verdict, detail: detail.into() }
}

fn data_folder(settings: &Settings) -> Vec<Finding> {
    const SUBJECT: &str = "data folder";
    let path = settings.data_dir.display();
    let data_dir = match DataDir::open(&settings.data_dir) {
        Ok(data_dir) => data_dir,
        Err(DataDirError::Missing(_)) => {
            return vec![finding(
                SUBJECT,
                Verdict::Ok,
                format!("{path} is not there yet; the first start makes it"),
            )];
        }
        Err(error) => return vec![finding(SUBJECT, Verdict::Wrong, error.to_string())],
    };
    let mut findings = vec![match data_dir.check_writable() {
        Err(error) => finding(SUBJECT, Verdict::Wrong, error.to_string()),
        Ok(()) => {
            let server = match data_dir.address() {
                Some(url) => format!(", and a server runs on it at {url}"),
                None => String::new(),
            };
            finding(SUBJECT, Verdict::Ok, format!("{path} can be written to{server}"))
        }
    }];
    findings.extend(database_file("store", &data_dir.store_path()));
    findings.extend(database_file("queue", &data_dir.queue_path()));
    findings
}

/// Looks for damage. Through a reading connection, since opening it as the server does would bring an older
/// schema up to date.
fn database_file(subject: &'static str, path: &Path) -> Option<Finding> {
    if !path.exists() {
        return None;
    }
    let progress = Progress::spinner(subject);
    let looked = database::open_reader(path).and_then(|conn| database::check(&conn, None));
    progress.finish();
    Some(match looked {
        Ok(Soundness::Damaged(damage)) => {
            finding(subject, Verdict::Wrong, format!("{} is damaged: {damage}", path.display()))
        }
        Ok(_) => finding(subject, Verdict::Ok, format!("{} is sound", path.display())),
        Err(error) => finding(subject, Verdict::Wrong, format!("{} cannot be read: {error}", path.display())),
    })
}

async fn mail(settings: &Settings) -> Vec<Finding> {
    const SUBJECT: &str = "mail server";
    let Some(smtp) = &settings.smtp else {
        let detail = "none is set here; alarms wait until one is, or is set through the dashboard";
        return vec![finding(SUBJECT, Verdict::Warning, detail)];
    };
    let mut findings = vec![match alert::try_out(smtp).await {
        Ok(()) => finding(SUBJECT, Verdict::Ok, format!("{}:{} lets us in", smtp.host, smtp.port)),
        Err(error) => finding(SUBJECT, Verdict::Wrong, error.to_string()),
    }];
    if smtp.tls == SmtpTls::None && smtp.password.is_some() {
        let detail = "smtp.tls is none, so the password crosses the network in the clear";
        findings.push(finding(SUBJECT, Verdict::Warning, detail));
    }
    if smtp.to.is_empty() {
        let detail = "smtp.to names nobody; only projects with recipients of their own ring";
        findings.push(finding(SUBJECT, Verdict::Warning, detail));
    }
    findings
}

fn reach(settings: &Settings) -> Option<Finding> {
    let everywhere = !settings.listen.ip().is_loopback() && settings.public_url.is_none();
    everywhere.then(|| {
        let detail = "is not set, so DSNs and links in mails hold the address that the collector listens on";
        finding("public_url", Verdict::Warning, detail)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Secret, SmtpSettings, Sources};

    fn settings(data_dir: &Path) -> Settings {
        Settings { data_dir: data_dir.to_owned(), ..Settings::default() }
    }

    fn worst(findings: &[Finding]) -> Verdict {
        if findings.iter().any(|finding| finding.verdict == Verdict::Wrong) {
            Verdict::Wrong
        } else {
            Verdict::Ok
        }
    }

    #[test]
    fn a_folder_that_is_not_there_yet_is_fine_and_is_not_made() {
        let outer = tempfile::tempdir().unwrap();
        let path = outer.path().join("data");
        assert_eq!(worst(&data_folder(&settings(&path))), Verdict::Ok);
        assert!(!path.exists());
    }

    #[test]
    fn a_damaged_store_is_found() {
        let outer = tempfile::tempdir().unwrap();
        let dir = DataDir::create(outer.path()).unwrap();
        crate::store::sqlite::SqliteStore::open(&dir.store_path()).unwrap();
        assert_eq!(worst(&data_folder(&settings(outer.path()))), Verdict::Ok);
        std::fs::write(dir.store_path(), "no database".repeat(1000)).unwrap();
        assert_eq!(worst(&data_folder(&settings(outer.path()))), Verdict::Wrong);
    }

    #[tokio::test]
    async fn a_mail_server_that_does_not_answer_is_found_and_the_password_is_not_told() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let smtp = SmtpSettings {
            host: "127.0.0.1".into(),
            port,
            from: "a@b.example".into(),
            to: Vec::new(),
            username: Some("u".into()),
            password: Some(Secret("hunter2".into())),
            tls: SmtpTls::None,
        };
        let findings = mail(&Settings { smtp: Some(smtp), ..Settings::default() }).await;
        let verdicts: Vec<_> = findings.iter().map(|finding| finding.verdict).collect();
        assert_eq!(verdicts, [Verdict::Wrong, Verdict::Warning, Verdict::Warning]);
        assert!(!format!("{findings:?}").contains("hunter2"));
    }

    #[tokio::test]
    async fn the_report_names_every_setting_with_its_source() {
        let loaded = Loaded::read(&Sources::default()).unwrap();
        let json = serde_json::to_value(Report::new(&loaded).await).unwrap();
        assert_eq!(json["settings"].as_array().unwrap().len(), SETTINGS.len());
        assert_eq!(json["settings"][0]["name"], "listen");
        assert_eq!(json["settings"][0]["source"], "default");
        assert_eq!(json["settings"][0]["value"], "127.0.0.1:8911");
    }
}
