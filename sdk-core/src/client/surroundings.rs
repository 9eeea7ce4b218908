//! What every event of this process has in common.

use error_sentinel_wire::{Event, Object, Sdk};

use crate::options::Options;

/// Filled in once, copied into every event.
#[derive(Debug)]
pub struct Surroundings {
    release: Option<String>,
    environment: String,
    app: Option<String>,
    server_name: Option<String>,
    own_prefixes: Vec<String>,
    contexts: Object,
    sdk: Sdk,
}

impl Surroundings {
    /// Reads the environment for what the options leave open.
    pub fn new(options: Options, sdk: Sdk) -> Surroundings {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
        let default = if cfg!(debug_assertions) { "development" } else { "production" };
        let mut os = Object::default();
        os.set("name", std::env::consts::OS);
        let mut device = Object::default();
        device.set("arch", std::env::consts::ARCH);
        let mut contexts = Object::default();
        contexts.set("os", os);
        contexts.set("device", device);
        Surroundings {
            release: options.release.or_else(|| variable("ERROR_SENTINEL_RELEASE")),
            environment: options
                .environment
                .or_else(|| variable("ERROR_SENTINEL_ENVIRONMENT"))
                .unwrap_or_else(|| default.to_owned()),
            app: options.app,
            server_name: options.server_name.or_else(host_name),
            own_prefixes: options.in_app,
            contexts,
            sdk,
        }
    }

    /// Prefixes of functions that are the application's own.
    #[cfg(feature = "backtrace")]
    pub fn own_prefixes(&self) -> &[String] {
        &self.own_prefixes
    }

    /// Adds to an event what it does not say itself.
    pub fn describe(&self, event: &mut Event) {
        event.platform.get_or_insert_with(|| "rust".to_owned());
        event.environment.get_or_insert_with(|| self.environment.clone());
        for (own, common) in [
            (&mut event.release, &self.release),
            (&mut event.app, &self.app),
            (&mut event.server_name, &self.server_name),
        ] {
            if own.is_none() {
                own.clone_from(common);
            }
        }
        for (name, context) in &self.contexts.0 {
            if event.contexts.get(name).is_none() {
                event.contexts.set(name, context.clone());
            }
        }
        event.sdk.get_or_insert_with(|| self.sdk.clone());
        #[cfg(not(feature = "backtrace"))]
        let _ = &self.own_prefixes;
    }
}

fn host_name() -> Option<String> {
    let variable = std::env::var("HOSTNAME").or_else(|_| std::env::var("COMPUTERNAME")).ok();
    let name = variable.or_else(|| std::fs::read_to_string("/etc/hostname").ok())?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}
