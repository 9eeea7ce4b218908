//! From sources to settings.

use std::path::PathBuf;

use super::*;

/// A world with these variables and flags and this text in the file that `--config` names.
struct World {
    folder: tempfile::TempDir,
    sources: Sources,
}

impl World {
    fn new() -> World {
        let folder = tempfile::tempdir().unwrap();
        World { folder, sources: Sources::default() }
    }

    fn file(mut self, text: &str) -> World {
        let path = self.path("config.toml");
        std::fs::write(&path, text).unwrap();
        self.sources.config = Some(path);
        self
    }

    fn variable(mut self, name: &str, value: &str) -> World {
        self.sources.environment.insert(name.into(), value.into());
        self
    }

    fn flag(mut self, name: &str, value: &str) -> World {
        self.sources.flags.push((format!("--{name}"), name.replace('-', "_"), value.into()));
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self) -> Result<Loaded, SettingsError> {
        Loaded::read(&self.sources)
    }

    fn settings(&self) -> Settings {
        self.read().unwrap().settings
    }

    /// The sentences about what is wrong, without the temporary folder's name.
    fn problems(&self) -> Vec<String> {
        let folder = format!("{}/", self.folder.path().display());
        self.read().unwrap_err().0.iter().map(|problem| problem.to_string().replace(&folder, "")).collect()
    }
}

fn origin(loaded: &Loaded, name: &str) -> String {
    loaded.origin(SETTINGS.iter().find(|setting| setting.name == name).unwrap()).to_string()
}

#[test]
fn without_any_source_the_defaults_hold() {
    assert_eq!(World::new().settings(), Settings::default());
}

#[test]
fn flags_win_over_the_environment_which_wins_over_the_file() {
    let world = World::new()
        .file("listen = \"127.0.0.1:1\"\nrate_limit = 100\n[alert]\nburst = 9\n")
        .variable("ERROR_SENTINEL_LISTEN", "127.0.0.1:2")
        .variable("ERROR_SENTINEL_RATE_LIMIT", "200/7")
        .flag("listen", "127.0.0.1:3");
    let loaded = world.read().unwrap();
    assert_eq!(loaded.settings.listen.port(), 3);
    assert_eq!(loaded.settings.rate_limit, RateLimit::PerMinute { per_minute: 200, burst: 7 });
    assert_eq!(loaded.settings.alert.burst, 9);
    assert_eq!(origin(&loaded, "listen"), "--listen");
    assert_eq!(origin(&loaded, "rate_limit"), "ERROR_SENTINEL_RATE_LIMIT");
    assert_eq!(origin(&loaded, "alert.burst"), format!("{}:4", world.path("config.toml").display()));
    assert_eq!(origin(&loaded, "disk_budget"), "default");
}

#[test]
fn the_settings_of_the_mail_server_come_together_from_all_sources() {
    let world = World::new()
        .file("[smtp]\nhost = \"smtp.example.com\"\nto = [\"a@example.com\", \"b@example.com\"]\n")
        .variable("ERROR_SENTINEL_SMTP__USERNAME", "alarms@example.com")
        .variable("ERROR_SENTINEL_SMTP__PASSWORD", "hunter2")
        .variable("ERROR_SENTINEL_SMTP__TLS", "tls");
    let smtp = world.settings().smtp.unwrap();
    assert_eq!(smtp.to, ["a@example.com", "b@example.com"]);
    assert_eq!((smtp.port, smtp.tls, smtp.from.as_str()), (465, SmtpTls::Tls, "alarms@example.com"));
    assert_eq!(smtp.password, Some(Secret("hunter2".into())));
}

#[test]
fn half_a_mail_server_is_an_error_that_names_the_missing_half() {
    for (text, problem) in [
        (
            "[smtp]\nport = 25",
            "config.toml:2: smtp.port without smtp.host reaches nobody; set smtp.host as well",
        ),
        (
            "[smtp]\nhost = \"h\"",
            "config.toml:2: smtp.from, the sender of the mails, is missing; set smtp.from as well",
        ),
        (
            "[smtp]\nhost = \"h\"\nfrom = \"a@b.example\"\nusername = \"u\"",
            "config.toml:4: smtp.username needs smtp.password beside it",
        ),
    ] {
        assert_eq!(World::new().file(text).problems(), [problem]);
    }
}

#[test]
fn an_unknown_name_is_an_error_with_a_suggestion() {
    for (text, problem) in [
        ("lisen = 1", "config.toml:1: there is no setting lisen; did you mean listen?"),
        (
            "\n[smtp]\npasword = 1",
            "config.toml:3: there is no setting smtp.pasword; did you mean smtp.password?",
        ),
        ("host = \"h\"", "config.toml:1: there is no setting host; did you mean smtp.host?"),
        (
            "zzz = 1",
            "config.toml:1: there is no setting zzz; `error-sentinel check --example-config` lists all",
        ),
        (
            "[mail]\nhost = 1",
            "config.toml:1: there is no setting mail; `error-sentinel check --example-config` lists all",
        ),
    ] {
        assert_eq!(World::new().file(text).problems(), [problem]);
    }
    assert_eq!(
        World::new().variable("ERROR_SENTINEL_SMTP_HOST", "h").problems(),
        ["ERROR_SENTINEL_SMTP_HOST: there is no variable ERROR_SENTINEL_SMTP_HOST; did you mean \
             ERROR_SENTINEL_SMTP__HOST?"]
    );
    assert_eq!(
        World::new().flag("set", "").flag("disk-bugdet", "1G").problems()[1],
        "--disk-bugdet: there is no setting disk_bugdet; did you mean disk_budget?"
    );
}

#[test]
fn a_wrong_value_is_an_error_that_names_place_value_and_what_is_allowed() {
    let world = World::new()
        .file("listen = true\nqueue_limit = \"lots\"\ntrusted_proxies = [\"10.0.0.0/8\", \"proxy\"]")
        .variable("ERROR_SENTINEL_DISK_BUDGET", "12 parsecs");
    assert_eq!(
        world.problems(),
        [
            "config.toml:1: boolean is not allowed for listen; expected ADDRESS:PORT, such as 127.0.0.1:8911 or \
             0.0.0.0:8911",
            "config.toml:2: \"lots\" is not allowed for queue_limit; expected a number of bytes with K, M, G or \
             T, such as 500M, and 1M at least",
            "config.toml:3: \"10.0.0.0/8,proxy\" is not allowed for trusted_proxies; expected networks or \
             addresses, such as 127.0.0.1 or 10.0.0.0/8",
            "ERROR_SENTINEL_DISK_BUDGET: \"12 parsecs\" is not allowed for disk_budget; expected a number of \
             bytes with K, M, G or T, such as 500M, and 1M at least",
        ]
    );
}

#[test]
fn a_file_that_is_no_toml_is_an_error_with_its_line() {
    let problems = World::new().file("listen = \"127.0.0.1:1\"\n[smtp\nhost = 1\n").problems();
    assert_eq!(problems.len(), 1);
    assert!(problems[0].starts_with("config.toml:2: "), "{problems:?}");
}

#[test]
fn a_secret_is_never_shown() {
    let secret = "correct-horse";
    let loaded = World::new()
        .variable("ERROR_SENTINEL_SMTP__HOST", "h")
        .variable("ERROR_SENTINEL_SMTP__USERNAME", "a@b.example")
        .variable("ERROR_SENTINEL_SMTP__PASSWORD", secret)
        .read()
        .unwrap();
    let shown: Vec<_> = SETTINGS.iter().filter_map(|setting| setting.show(&loaded.settings)).collect();
    assert!(shown.contains(&"***".to_owned()));
    let everything = format!("{shown:?} {loaded:?}");
    assert!(!everything.contains(secret), "{everything}");

    let wrong_type = World::new().file("[smtp]\npassword = [\"correct-horse\"]").problems();
    let as_flag = World::new().flag("smtp.password", secret).problems();
    assert_eq!(wrong_type.len() + as_flag.len(), 2);
    assert!(!format!("{wrong_type:?}{as_flag:?}").contains(secret), "{wrong_type:?} {as_flag:?}");
}

#[test]
fn a_secret_can_be_taken_from_a_file_of_its_own() {
    let world = World::new()
        .file("[smtp]\nhost = \"h\"\nfrom = \"a@b.example\"\nusername = \"u\"\npassword_file = \"password\"");
    std::fs::write(world.path("password"), "hunter 2 \r\n").unwrap();
    assert_eq!(world.settings().smtp.unwrap().password, Some(Secret("hunter 2 ".into())));

    let other = world.path("other");
    std::fs::write(&other, "from the environment").unwrap();
    let world = world.variable("ERROR_SENTINEL_SMTP__PASSWORD_FILE", other.to_str().unwrap());
    assert_eq!(world.settings().smtp.unwrap().password, Some(Secret("from the environment".into())));

    let twice = world.variable("ERROR_SENTINEL_SMTP__PASSWORD", "again");
    assert_eq!(
        twice.problems(),
        ["ERROR_SENTINEL_SMTP__PASSWORD_FILE: smtp.password is set twice, as a value and as a file; keep \
             one"]
    );
    let twice = World::new().file("[smtp]\npassword_file = \"p\"\npassword = \"x\"").problems();
    assert_eq!(twice[0], "config.toml:2: smtp.password is set twice, as a value and as a file; keep one");
    let missing = World::new().variable("ERROR_SENTINEL_SMTP__PASSWORD_FILE", "/nowhere/at/all");
    assert!(missing.problems()[0].contains("/nowhere/at/all, from which smtp.password is to be taken"));
}

#[test]
fn the_file_of_the_data_folder_comes_before_the_systems_and_only_one_is_read() {
    let mut world = World::new();
    let data_dir = world.path("data");
    std::fs::create_dir(&data_dir).unwrap();
    let system = world.path("system.toml");
    std::fs::write(&system, "queue_limit = \"3G\"\n").unwrap();
    world.sources.system_config = Some(system.clone());
    let world = world.variable("ERROR_SENTINEL_DATA_DIR", data_dir.to_str().unwrap());
    assert_eq!(world.read().unwrap().config, Some(system));
    assert_eq!(world.settings().queue_limit_bytes, 3 << 30);

    let own = data_dir.join("config.toml");
    std::fs::write(&own, "disk_budget = \"1G\"\n").unwrap();
    assert_eq!(world.read().unwrap().config, Some(own));
    assert_eq!(world.settings().queue_limit_bytes, Settings::default().queue_limit_bytes);
}

#[test]
fn a_named_file_that_is_missing_is_an_error() {
    let mut world = World::new();
    world.sources.config = Some(world.path("missing.toml"));
    assert!(world.problems()[0].starts_with("missing.toml: the settings file cannot be read"));
    world.sources.config = None;
    let world = world.variable("ERROR_SENTINEL_CONFIG", "/nowhere/config.toml");
    assert!(world.problems()[0].starts_with("/nowhere/config.toml: the settings file cannot be read"));
}

#[test]
fn a_relative_data_folder_in_a_file_starts_at_the_file() {
    let world = World::new().file("data_dir = \"kept\"");
    assert_eq!(world.settings().data_dir, world.path("kept"));
}

#[test]
fn the_port_of_a_hosting_platform_counts_while_nothing_says_where_to_listen() {
    assert_eq!(World::new().variable("PORT", "5000").settings().listen, ([0, 0, 0, 0], 5000).into());
    let file = World::new().variable("PORT", "5000").file("listen = \"127.0.0.1:1\"");
    assert_eq!(file.settings().listen, ([127, 0, 0, 1], 1).into());
    let wrong = World::new().variable("PORT", "tcp://10.0.0.1:80");
    assert_eq!(wrong.problems(), ["PORT: \"tcp://10.0.0.1:80\" is no port number from 1 to 65535"]);
}

#[test]
fn variables_of_others_under_our_prefix_are_no_settings_and_empty_ones_are_not_set() {
    let mut world = World::new();
    for (name, value) in [
        ("ERROR_SENTINEL_DSN", "http://k@h/1"),
        ("ERROR_SENTINEL_RELEASE", "1"),
        ("ERROR_SENTINEL_ENVIRONMENT", "test"),
        ("ERROR_SENTINEL_NEW_PASSWORD", "a long sentence"),
        ("ERROR_SENTINEL_PORT", "tcp://10.0.0.1:8911"),
        ("ERROR_SENTINEL_PORT_8911_TCP_ADDR", "10.0.0.1"),
        ("ERROR_SENTINEL_SERVICE_HOST", "10.0.0.1"),
        ("ERROR_SENTINEL_SERVICE_PORT_HTTP", "8911"),
        ("ERROR_SENTINEL_PUBLIC_URL", ""),
        ("ERROR_SENTINEL_SMTP__HOST", ""),
        ("HOME", "/root"),
    ] {
        world = world.variable(name, value);
    }
    assert_eq!(world.settings(), Settings::default());
}

#[test]
fn the_packaged_file_is_the_table_and_changes_nothing() {
    let packaged = include_str!("../../packaging/config.toml");
    assert_eq!(
        packaged,
        example(),
        "mend it with: cargo run -- check --example-config > collector/packaging/config.toml"
    );
    assert_eq!(World::new().file(packaged).settings(), Settings::default());
}

#[test]
fn the_packaged_examples_are_allowed_and_those_with_a_default_are_the_default() {
    let text: String = example()
        .lines()
        .map(|line| line.strip_prefix('#').filter(|rest| !rest.starts_with([' ', '#'])).unwrap_or(line))
        .flat_map(|line| [line, "\n"])
        .collect();
    let world = World::new().file(&text);
    let loaded = world.read().unwrap();
    let defaults = Settings { data_dir: world.path("error-sentinel-data"), ..Settings::default() };
    for setting in SETTINGS {
        assert_ne!(loaded.origin(setting), Origin::Default, "{}", setting.name);
        if let Some(default) = setting.show(&defaults) {
            assert_eq!(setting.show(&loaded.settings), Some(default), "{}", setting.name);
        }
    }
}
