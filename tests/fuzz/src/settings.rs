//! A settings file sets what it may, or every mistake in it is named in a sentence without its secrets.

use std::fs;

use error_sentinel_collector::settings::{Loaded, Sources};

/// Stands in the corpus where a password stands.
const SECRET: &str = "hunter2-is-secret";

pub fn run(bytes: &[u8]) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("config.toml");
    fs::write(&path, bytes).expect("the folder is ours");
    let read = Loaded::read(&Sources { config: Some(path), ..Sources::default() });
    if let Err(error) = read {
        let said = error.to_string();
        assert!(!said.trim().is_empty());
        let is_password = bytes.windows(8).any(|window| window == b"password");
        assert!(!is_password || !said.contains(SECRET), "{said}");
    }
}
