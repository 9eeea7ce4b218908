//! Shows how far long work is: a bar on a terminal, plain lines elsewhere, both on standard error.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{Outcome, output};

/// How far some work is.
pub(super) struct Progress {
    bar: ProgressBar,
    label: &'static str,
    /// The tenth that was last told; `None` when a bar shows it or nobody wants to know.
    told_tenth: Option<u64>,
}

impl Progress {
    /// Shown by a bar, or by a line at each tenth. `unit` is `files` or `pages`.
    pub fn new(label: &'static str, unit: &'static str) -> Progress {
        let bar = bar(label, unit);
        let told_tenth = bar.is_hidden().then_some(0);
        Progress { bar, label, told_tenth }
    }

    /// Shown by a bar only, for work that prints a line for each step anyway.
    pub fn bar_only(label: &'static str, unit: &'static str) -> Progress {
        Progress { bar: bar(label, unit), label, told_tenth: None }
    }

    /// For work that cannot say how far it is; only on a terminal.
    pub fn spinner(label: &'static str) -> Progress {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        bar.set_style(ProgressStyle::default_spinner());
        Progress { bar: started(bar, label), label, told_tenth: None }
    }

    /// So much of so much is done.
    pub fn at(&mut self, done: u64, total: u64) {
        self.bar.set_length(total);
        self.bar.set_position(done);
        let tenth = done.saturating_mul(10).checked_div(total).unwrap_or(10);
        if self.told_tenth.is_some_and(|told| tenth > told) {
            self.told_tenth = Some(tenth);
            eprintln!("{}: {} %", self.label, tenth * 10);
        }
    }

    /// Prints a line to standard output without tearing the bar.
    pub fn line(&self, text: &str) -> Outcome {
        self.bar.suspend(|| output::line(text))
    }

    /// Takes the bar away.
    pub fn finish(self) {
        self.bar.finish_and_clear();
    }
}

fn bar(label: &'static str, unit: &'static str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    let template = format!("{{msg}} {{wide_bar}} {{human_pos}}/{{human_len}} {unit} {{eta}}");
    if let Ok(style) = ProgressStyle::with_template(&template) {
        bar.set_style(style);
    }
    started(bar, label)
}

fn started(bar: ProgressBar, label: &'static str) -> ProgressBar {
    bar.set_message(label);
    if !bar.is_hidden() {
        bar.enable_steady_tick(Duration::from_millis(200));
    }
    bar
}
