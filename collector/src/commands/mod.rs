//! The commands of the binary, one a file.
//!
//! They work on a data folder whether a server runs on it or not. What a script wants goes to standard output
//! and nothing else does; errors go to standard error with the next step.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::settings::{Loaded, SettingsError, Sources};

mod backup;
mod check;
mod failure;
mod health;
mod http;
mod issues;
mod opened;
mod output;
mod progress;
mod project;
mod replay;
mod send_test;
mod serve;
mod token;
mod user;

pub use failure::{Failure, Outcome};

/// Where the settings of the whole machine are.
const SYSTEM_CONFIG: &str = "/etc/error-sentinel/config.toml";

const AFTER_HELP: &str = "\
Examples:
  error-sentinel                              start on 127.0.0.1:8911, data in ./error-sentinel-data
  error-sentinel serve --listen 127.0.0.1:0   start on a free port
  error-sentinel project create shop --notify team@example.com
  error-sentinel dsn shop                     print the DSN for the SDK
  error-sentinel check                        show every setting and where it came from

Exit status: 0 done, 1 failed or refused, 2 wrong usage or settings.";

/// The command line.
#[derive(Debug, Parser)]
#[command(name = "error-sentinel", version, about = "A self-hosted error tracker in one binary", after_help = AFTER_HELP)]
pub struct Cli {
    /// Settings given as flags.
    #[command(flatten)]
    pub flags: Flags,
    /// What to do; without it, serve.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Settings that can be given with every command.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Settings")]
pub struct Flags {
    /// Where everything is kept [default: ./error-sentinel-data]
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<String>,
    /// The settings file [default: DIR/config.toml, else /etc/error-sentinel/config.toml]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where to listen; port 0 takes a free one [default: 127.0.0.1:8911]
    #[arg(long, global = true, value_name = "ADDRESS:PORT")]
    pub listen: Option<String>,
    /// How people and SDKs reach the collector from outside
    #[arg(long, global = true, value_name = "URL")]
    pub public_url: Option<String>,
    /// Any other setting, such as rate_limit=off; can be given several times
    #[arg(long = "set", global = true, value_name = "NAME=VALUE", value_parser = name_and_value)]
    pub set: Vec<(String, String)>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start the collector (the default)
    Serve,
    /// Check settings, data folder and mail server without changing anything
    Check(check::Check),
    /// Ask the running server whether it is well
    Health(health::Health),
    /// Make and list projects
    #[command(subcommand)]
    Project(project::ProjectCommand),
    /// Print the DSN of a project, and nothing else
    Dsn(project::PrintDsn),
    /// Make, list and revoke tokens of the API
    #[command(subcommand)]
    Token(token::TokenCommand),
    /// Let people in
    #[command(subcommand)]
    User(user::UserCommand),
    /// Look at issues
    #[command(subcommand)]
    Issues(issues::IssuesCommand),
    /// Send a test event through the running collector, or a test mail
    SendTest(send_test::SendTest),
    /// Send saved events again and report what became of each
    Replay(replay::Replay),
    /// Copy everything into a new folder, also while the server runs
    Backup(backup::Backup),
    /// Bring a backup back into the data folder, which must not hold anything yet
    Restore(backup::Restore),
}

impl Flags {
    /// The settings in force.
    ///
    /// # Errors
    /// [`SettingsError`] with everything that is wrong in flags, environment and file.
    pub fn settings(&self, environment: BTreeMap<OsString, OsString>) -> Result<Loaded, SettingsError> {
        let named = [
            ("--data-dir", "data_dir", &self.data_dir),
            ("--listen", "listen", &self.listen),
            ("--public-url", "public_url", &self.public_url),
        ];
        let mut flags: Vec<(String, String, String)> =
            self.set.iter().map(|(name, value)| ("--set".into(), name.clone(), value.clone())).collect();
        for (flag, name, value) in named {
            if let Some(value) = value {
                flags.push((flag.into(), name.into(), value.clone()));
            }
        }
        let system_config = Some(PathBuf::from(SYSTEM_CONFIG));
        Loaded::read(&Sources { flags, environment, config: self.config.clone(), system_config })
    }
}

/// Runs a command to its end.
///
/// # Errors
/// [`Failure`], to be shown to whoever typed the command.
pub async fn run(cli: Cli, environment: BTreeMap<OsString, OsString>) -> Outcome {
    let flags = cli.flags;
    let load = || flags.settings(environment);
    match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => serve::run(load()?).await,
        Command::Check(check) if check.example_config => output::line(crate::settings::example().trim_end()),
        Command::Check(check) => check.run(load()?).await,
        Command::Health(health) => health.run(&load()?.settings).await,
        Command::Project(project) => project.run(load()?.settings),
        Command::Dsn(dsn) => dsn.run(load()?.settings),
        Command::Token(token) => token.run(load()?.settings),
        Command::User(user) => user.run(load()?.settings),
        Command::Issues(issues) => issues.run(load()?.settings),
        Command::SendTest(send_test) => send_test.run(load()?.settings).await,
        Command::Replay(replay) => replay.run().await,
        Command::Backup(backup) => backup.run(&load()?.settings),
        Command::Restore(restore) => restore.run(&load()?.settings),
    }
}

fn name_and_value(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE, such as rate_limit=off")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Cli {
        Cli::try_parse_from(std::iter::once("error-sentinel").chain(line.split_whitespace())).unwrap()
    }

    fn settings(line: &str) -> crate::settings::Settings {
        parse(line).flags.settings(BTreeMap::new()).unwrap().settings
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn without_a_command_it_serves() {
        assert!(parse("").command.is_none());
        assert!(matches!(parse("serve").command, Some(Command::Serve)));
    }

    #[test]
    fn settings_can_be_given_before_and_after_the_command() {
        for line in [
            "--data-dir /d --listen 127.0.0.1:1 --set rate_limit=off dsn",
            "dsn --data-dir /d --listen 127.0.0.1:1 --set rate_limit=off",
        ] {
            let settings = settings(line);
            assert_eq!(settings.data_dir, PathBuf::from("/d"), "{line}");
            assert_eq!(settings.listen.port(), 1, "{line}");
            assert_eq!(settings.rate_limit, crate::settings::RateLimit::Off, "{line}");
        }
        assert_eq!(
            settings("--public-url https://e.example/").public_url.as_deref(),
            Some("https://e.example")
        );
    }

    #[test]
    fn several_settings_can_be_given_by_name() {
        let settings = settings("check --set disk_budget=1G --set alert.burst=9");
        assert_eq!((settings.disk_budget_bytes, settings.alert.burst), (1 << 30, 9));
    }

    #[test]
    fn a_flag_with_a_wrong_value_is_named_as_it_was_typed() {
        let error = parse("--listen here").flags.settings(BTreeMap::new()).unwrap_err();
        assert!(error.to_string().starts_with("--listen: \"here\" is not allowed for listen"), "{error}");
        let failure = Failure::from(error);
        assert_eq!(failure.exit_code(), 2);
    }
}
