//! `check`: shows what is in force and tries what can be tried without changing anything.

use clap::Args;

use super::Outcome;
use crate::settings::Loaded;

/// Check settings, data folder and mail server without changing anything
#[derive(Debug, Args)]
pub struct Check {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Print a settings file that explains every setting, and do nothing else
    #[arg(long)]
    pub example_config: bool,
}

impl Check {
    pub(super) async fn run(self, loaded: Loaded) -> Outcome {
        for setting in crate::settings::SETTINGS {
            let value = setting.show(&loaded.settings).unwrap_or_default();
            println!("{:<18} {:<40} {}", setting.name, value, loaded.origin(setting));
        }
        Ok(())
    }
}
