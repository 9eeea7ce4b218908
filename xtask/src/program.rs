//! A program to run, and how a person would type it.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::repository;

/// A command with its arguments and environment, run at the root of the repository.
#[derive(Debug, Clone)]
pub struct Program {
    name: String,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
}

/// How a program ended.
#[derive(Debug, Clone)]
pub struct Ended {
    /// Whether it succeeded.
    pub success: bool,
    /// All that it printed, both streams as they came.
    pub output: String,
}

impl Program {
    /// A command by name or path.
    pub fn new(name: impl AsRef<Path>) -> Program {
        let name = name.as_ref().display().to_string();
        Program { name, arguments: Vec::new(), environment: Vec::new() }
    }

    /// The cargo that runs us, with a line of arguments.
    pub fn cargo(line: &str) -> Program {
        Program::new("cargo").words(line)
    }

    /// With the words of a line as arguments.
    pub fn words(mut self, line: &str) -> Program {
        self.arguments.extend(line.split_whitespace().map(str::to_owned));
        self
    }

    /// With one more argument.
    pub fn argument(mut self, argument: impl AsRef<Path>) -> Program {
        self.arguments.push(argument.as_ref().display().to_string());
        self
    }

    /// With an environment variable.
    pub fn environment(mut self, name: &str, value: impl AsRef<Path>) -> Program {
        self.environment.push((name.to_owned(), value.as_ref().display().to_string()));
        self
    }

    /// Runs it to its end; its output goes to `log`, and to the terminal as well when `show`.
    ///
    /// # Errors
    /// When it cannot be started or the log not be written.
    pub fn run(&self, log: &Path, show: bool) -> Result<Ended> {
        if let Some(folder) = log.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut log = File::create(log)?;
        // One pipe for both streams keeps their order, and a full one cannot block the other.
        let (reader, writer) = io::pipe()?;
        let mut child = self
            .command()
            .stdin(Stdio::null())
            .stdout(writer.try_clone()?)
            .stderr(writer)
            .spawn()
            .with_context(|| format!("cannot start {self}"))?;
        let mut output = String::new();
        let mut lines = BufReader::new(reader);
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line)? > 0 {
            log.write_all(&line)?;
            if show {
                io::stderr().write_all(&line)?;
            }
            output.push_str(&String::from_utf8_lossy(&line));
            line.clear();
        }
        let success = child.wait()?.success();
        Ok(Ended { success, output })
    }

    /// What it printed, if it succeeds.
    ///
    /// # Errors
    /// When it cannot be started, or fails; says the command.
    pub fn done(&self, log: &Path) -> Result<String> {
        let ended = self.run(log, false)?;
        if !ended.success {
            bail!("{self} failed:\n{}", ended.output);
        }
        Ok(ended.output)
    }

    /// Shows it as one would type it and runs it on the terminal.
    ///
    /// # Errors
    /// When it cannot be started, or fails.
    pub fn succeed(&self) -> Result<()> {
        eprintln!("$ {self}");
        let status = self.command().status().with_context(|| format!("cannot start {self}"))?;
        if !status.success() {
            bail!("that failed: {status}");
        }
        Ok(())
    }

    /// Whether it can be started and succeeds; what it prints is thrown away.
    pub fn succeeds(&self) -> bool {
        let silent = self.command().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        silent.is_ok_and(|status| status.success())
    }

    /// The same for the standard library, standard streams inherited.
    pub fn command(&self) -> Command {
        let mut command = match (self.name.as_str(), std::env::var_os("CARGO")) {
            ("cargo", Some(cargo)) => Command::new(cargo),
            _ => Command::new(&self.name),
        };
        command.args(&self.arguments).envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.current_dir(repository());
        command
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.environment {
            write!(f, "{name}={} ", quoted(value))?;
        }
        f.write_str(&quoted(&self.name))?;
        for argument in &self.arguments {
            write!(f, " {}", quoted(argument))?;
        }
        Ok(())
    }
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@+".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.into() } else { format!("'{word}'") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_shown_as_one_would_type_it() {
        let program = Program::cargo("doc --no-deps").environment("RUSTDOCFLAGS", "-D warnings");
        assert_eq!(program.to_string(), "RUSTDOCFLAGS='-D warnings' cargo doc --no-deps");
    }

    #[test]
    fn both_streams_are_collected_and_the_end_is_told() {
        let folder = std::env::temp_dir().join(format!("xtask-{}", std::process::id()));
        let log = folder.join("log");
        let ended =
            Program::new("sh").argument("-c").argument("echo out; echo err >&2; exit 3").run(&log, false);
        let ended = ended.unwrap();
        assert_eq!((ended.success, ended.output.as_str()), (false, "out\nerr\n"));
        assert_eq!(fs::read_to_string(&log).unwrap(), ended.output);
        fs::remove_dir_all(folder).unwrap();
    }
}
