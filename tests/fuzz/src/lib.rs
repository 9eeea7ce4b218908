//! Fuzz targets: one function for everything that reads bytes from outside. Each takes any bytes, and panics when
//! what it reads them with breaks a promise.
//!
//! The test command tries each with its corpus and with what a bounded number of mutations makes of it; `guided/`
//! lets libFuzzer search for longer, by coverage. What it finds is kept in `corpus/` for ever.

mod c_face;
mod crash;
mod envelope;
mod event;
mod header;
mod request;
mod settings;
mod slot;
mod stored;

/// One reader of bytes.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name, also that of its folder in `corpus/`.
    pub name: &'static str,
    /// Tries it.
    pub run: fn(&[u8]),
}

/// All of them.
pub const TARGETS: [Target; 9] = [
    Target { name: "c_face", run: c_face::run },
    Target { name: "crash", run: crash::run },
    Target { name: "envelope", run: envelope::run },
    Target { name: "event", run: event::run },
    Target { name: "header", run: header::run },
    Target { name: "request", run: request::run },
    Target { name: "settings", run: settings::run },
    Target { name: "slot", run: slot::run },
    Target { name: "stored", run: stored::run },
];

/// Tries the target of this name.
///
/// # Panics
/// When there is none, and when a promise is broken.
pub fn run(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    (target.unwrap_or_else(|| panic!("there is no target {name}")).run)(bytes);
}
