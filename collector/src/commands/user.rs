//! `user`: lets people in without a mail server.

use std::io::{self, IsTerminal};

use clap::{Args, Subcommand};

use super::opened::Opened;
use super::{Failure, Outcome, output};
use crate::clock;
use crate::dashboard::{link, password};
use crate::settings::Settings;

/// Let people in
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Add a person, or give one a new password
    Add(AddUser),
    /// Sign a person out and let them in no more
    #[command(after_help = "Example:\n  error-sentinel user remove ada@example.com")]
    Remove {
        /// Mail address that they sign in with
        email: String,
    },
    /// List who may sign in
    List,
}

/// Add a person, or give one a new password
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  error-sentinel user add ada@example.com                  print a link to choose a \
    password by\n  error-sentinel user add ada@example.com --password-stdin <secret.txt"
)]
pub struct AddUser {
    /// Mail address to sign in with
    pub email: String,
    /// Read the password from standard input instead of printing a link
    #[arg(long)]
    pub password_stdin: bool,
}

impl UserCommand {
    pub(super) fn run(self, settings: Settings) -> Outcome {
        match self {
            UserCommand::Add(add) => add.run(settings),
            UserCommand::Remove { email } => {
                if !Opened::existing(settings)?.store.remove_account(&email)? {
                    return Err(Failure::new(format!("nobody signs in as {email}")));
                }
                output::line(format!("{email} can sign in no more"))
            }
            UserCommand::List => {
                for account in Opened::existing(settings)?.store.accounts()? {
                    output::line(format!("{}  {}", account.created_at, account.email))?;
                }
                Ok(())
            }
        }
    }
}

impl AddUser {
    fn run(self, settings: Settings) -> Outcome {
        let email = self.email.trim();
        if !password::is_address(email) {
            return Err(Failure::new(format!("{email} is not a mail address")).usage());
        }
        let opened = Opened::or_new(settings)?;
        if !self.password_stdin {
            // A link lets the person choose, and no password stands in a shell's history.
            let base_url = opened.base_url()?;
            let link = link::for_account(&*opened.store, &base_url, email, clock::now())?;
            return output::line(link);
        }
        if io::stdin().is_terminal() {
            eprintln!("Password:");
        }
        let mut typed = String::new();
        io::stdin()
            .read_line(&mut typed)
            .map_err(|error| Failure::new(format!("the password cannot be read: {error}")))?;
        let typed = typed.trim_end_matches(['\r', '\n']);
        password::check(typed).map_err(|reason| Failure::new(reason).usage())?;
        let hash = password::hash(typed).map_err(|error| Failure::new(error.to_string()))?;
        opened.store.set_password(email, &hash, clock::now())?;
        output::line(format!("{email} can sign in"))
    }
}
