//! What the start prints: the way in, and a first alarm to try.

use std::fmt::Write as _;

use error_sentinel_wire::Dsn;

use crate::browser_sdk::script_tag;
use crate::settings::base_url::curl_line;

/// What there is to say.
#[derive(Debug, Clone)]
pub struct Welcome<'a> {
    /// Where people reach the collector, without trailing slash.
    pub public_url: &'a str,
    /// Where it listens itself, the same where no proxy stands in front.
    pub own_url: &'a str,
    /// The one-time link that makes the first user; `None` once there is one.
    pub setup_link: Option<&'a str>,
    /// DSN of the first project.
    pub dsn: Option<&'a Dsn>,
    /// Where everything is kept.
    pub data_dir: &'a str,
}

impl Welcome<'_> {
    /// The text for the terminal. The lines `Dashboard`, `Listening`, `Set up` and `DSN` hold one value
    /// each, so that a script can read them.
    pub fn text(&self) -> String {
        let mut text = format!("\nError Sentinel {} is listening.\n\n", env!("CARGO_PKG_VERSION"));
        // Writing into a String cannot fail.
        let _ = writeln!(text, "  Dashboard  {}/", self.public_url);
        if self.own_url != self.public_url {
            let _ = writeln!(text, "  Listening  {}/", self.own_url);
        }
        if let Some(link) = self.setup_link {
            let _ = writeln!(text, "  Set up     {link}");
        }
        if let Some(dsn) = self.dsn {
            let _ = writeln!(text, "  DSN        {dsn}");
        }
        let _ = writeln!(text, "  Data       {}", self.data_dir);
        if let (Some(dsn), Some(_)) = (self.dsn, self.setup_link) {
            let _ = write!(
                text,
                "\nOpen the set-up link once to choose a password. Then raise the first alarm, from a shell:\n\n  \
                 {}\n\nor from Rust:\n\n  let _guard = error_sentinel::init(\"{dsn}\");\n  \
                 error_sentinel::send_alert(\"The disk is on fire\");\n\n\
                 or from a web page:\n\n  {}\n\nor from any Sentry SDK, with this DSN. Ctrl-C stops the collector; nothing it accepted is lost.\n",
                curl_line(self.public_url, dsn),
                script_tag(self.public_url, dsn),
            );
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_start_shows_the_way_in_and_a_first_alarm() {
        let dsn = Dsn::parse("http://0123456789abcdef0123456789abcdef@127.0.0.1:8911/1").unwrap();
        let mut welcome = Welcome {
            public_url: "http://127.0.0.1:8911",
            own_url: "http://127.0.0.1:8911",
            setup_link: Some("http://127.0.0.1:8911/setup?token=abc"),
            dsn: Some(&dsn),
            data_dir: "./error-sentinel-data",
        };
        let text = welcome.text();
        for line in [
            "  Dashboard  http://127.0.0.1:8911/",
            "  Set up     http://127.0.0.1:8911/setup?token=abc",
            "  DSN        http://0123456789abcdef0123456789abcdef@127.0.0.1:8911/1",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
        }
        assert!(text.contains("curl http://127.0.0.1:8911/log-error -H 'X-Sentinel-Key: 0123456789abcdef"));

        welcome.setup_link = None;
        assert!(!welcome.text().contains("curl"), "later starts are short");
        assert!(!welcome.text().contains("Listening"), "nothing stands in front");
    }

    #[test]
    fn behind_a_proxy_the_address_that_it_must_forward_to_is_shown_too() {
        let welcome = Welcome {
            public_url: "https://example.com/errors",
            own_url: "http://127.0.0.1:4711",
            setup_link: None,
            dsn: None,
            data_dir: "./error-sentinel-data",
        };
        let text = welcome.text();
        for line in ["  Dashboard  https://example.com/errors/", "  Listening  http://127.0.0.1:4711/"] {
            assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
        }
    }
}
