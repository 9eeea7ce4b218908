//! The packaged `config.toml`: every setting, explained and commented out.

use std::fmt::Write;

use super::table::SETTINGS;

const HEAD: &str = "\
# Settings of the Error Sentinel collector. Nothing here is required: what stands behind a # is the default,
# or an example where there is none.
#
# What counts: defaults < this file < environment < flags. A variable's name is ERROR_SENTINEL_ and the
# setting's in capitals, with __ for a dot: smtp.host is ERROR_SENTINEL_SMTP__HOST. On the command line,
# --set smtp.host=…
#
# This file is the one that --config or ERROR_SENTINEL_CONFIG names, else config.toml in the data folder, else
# /etc/error-sentinel/config.toml. `error-sentinel check` shows every value and where it came from.
";

/// The text of the packaged file; `collector/packaging/config.toml` holds the same.
pub fn example() -> String {
    let mut out = String::from(HEAD);
    let mut group = "";
    for setting in SETTINGS {
        let (in_group, name) = setting.name.split_once('.').unwrap_or(("", setting.name));
        out.push('\n');
        if in_group != group {
            group = in_group;
            // Writing to a String cannot fail.
            let _ = writeln!(out, "[{group}]");
        }
        for line in setting.about {
            let _ = writeln!(out, "# {line}");
        }
        let _ = writeln!(out, "#{name} = {}", setting.example);
    }
    out
}
