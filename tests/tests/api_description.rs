//! The API keeps what its own description promises, whatever is sent to it.

use std::time::Duration;

use error_sentinel_tests::{Collector, Python, finish};
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(240);

#[test]
fn the_api_answers_as_it_is_described() {
    let mut collector = Collector::start();
    for number in 0..3 {
        collector.log_error(&json!({"message": "a bug", "fingerprint": [number.to_string()]}));
    }
    let api = collector.api();
    api.await_issues(3, Duration::from_secs(10));
    let url = format!("http://{}/api/openapi.json", collector.address());
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut command = Python::with_schemathesis().module("schemathesis.cli");
    command.current_dir(folder.path()).args(["run", &url, "--seed", "7", "--max-examples", "25"]);
    command.args(["--header", &format!("Authorization: Bearer {}", api.token())]);
    // A cursor is any text to the description, but only those that were given out are taken.
    command.args(["--checks", "all", "--exclude-checks", "positive_data_acceptance"]);
    let tried = finish(&mut command, PATIENCE);
    assert!(tried.status.success(), "{}\n{}", tried.stdout, tried.stderr);
    assert!(tried.stdout.contains("5 selected / 5 total"), "{}", tried.stdout);
}
