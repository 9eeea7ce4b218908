//! `token`: what programs show to read the API.

use clap::{Args, Subcommand};

use super::opened::Opened;
use super::{Failure, Outcome, output};
use crate::settings::Settings;
use crate::store::account::TokenId;
use crate::{clock, secret};

/// Make, list and revoke tokens of the API
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a token and print it, and nothing else; it cannot be shown again
    Create(CreateToken),
    /// List tokens by what they are for
    List,
    /// Revoke a token by its number
    Revoke(RevokeToken),
}

/// Make a token and print it, and nothing else; it cannot be shown again
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  curl -H \"Authorization: Bearer $(error-sentinel token create)\" \
    http://127.0.0.1:8911/api/v1/issues")]
pub struct CreateToken {
    /// What it is for
    #[arg(long, default_value = "unnamed")]
    pub name: String,
}

/// Revoke a token by its number
#[derive(Debug, Args)]
pub struct RevokeToken {
    /// The number that `token list` shows
    pub number: i64,
}

impl TokenCommand {
    pub(super) fn run(self, settings: Settings) -> Outcome {
        match self {
            TokenCommand::Create(create) => {
                let opened = Opened::or_new(settings)?;
                let token = secret::new(secret::TOKEN_PREFIX)
                    .map_err(|error| Failure::new(format!("the system gives no random numbers: {error}")))?;
                opened.store.add_token(create.name.trim(), &secret::hash(&token), clock::now())?;
                output::line(&token)
            }
            TokenCommand::List => {
                for token in Opened::existing(settings)?.store.tokens()? {
                    output::line(format!("{:<6} {}  {}", token.id.0, token.created_at, token.name))?;
                }
                Ok(())
            }
            TokenCommand::Revoke(revoke) => {
                if Opened::existing(settings)?.store.revoke_token(TokenId(revoke.number))? {
                    return Ok(());
                }
                Err(Failure::new(format!("there is no token {}", revoke.number))
                    .help("`error-sentinel token list` shows all"))
            }
        }
    }
}
