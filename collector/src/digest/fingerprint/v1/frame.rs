//! One frame as a text: function and file or module, without what changes from build to build.

use error_sentinel_wire::Frame;

use super::{file, function};

/// A frame that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// Where it is; the same place again is recursion.
    pub place: String,
    /// The line of source there.
    pub source: Option<String>,
    /// Whether a function is named.
    pub is_named: bool,
    /// Whether a name was taken out because a minifier made it.
    pub is_minified: bool,
}

/// Describes a frame; `None` for one that says nothing or belongs to the engine. `with_source` asks for the
/// source line too, where the platform sends it as it was written.
pub fn describe(frame: &Frame, platform: &str, with_source: bool) -> Option<Described> {
    let family = frame.platform.as_deref().unwrap_or(platform);
    let is_script = matches!(family, "javascript" | "node");
    let path = frame.abs_path.as_deref().or(frame.filename.as_deref()).unwrap_or_default();
    if is_script && is_engine(path, frame.function.as_deref().unwrap_or_default()) {
        return None;
    }
    let raw = frame.function.as_deref().or(frame.raw_function.as_deref()).unwrap_or_default();
    let file = file::base(frame.filename.as_deref().filter(|name| !name.is_empty()).unwrap_or(path));
    let bundled = is_script && (file.had_hash || is_minified_place(frame, &file.name));
    let mut function = function::clean(raw, family);
    let is_minified = is_script && is_mangled(&function, bundled, family == "javascript");
    if is_minified {
        function.clear();
    }
    let is_named = !function.is_empty();
    let place = match (is_named, home(frame, family, &file)) {
        (true, Some(home)) => format!("{function} in {home}"),
        (true, None) => function,
        (false, Some(home)) => home,
        (false, None) => return None,
    };
    let source = if with_source && !bundled { source(frame, family) } else { None };
    Some(Described { place, source, is_named, is_minified: is_minified || bundled && !is_named })
}

impl Described {
    /// Appends it as it goes into the key.
    pub fn write(&self, key: &mut String, with_source: bool) {
        key.push_str(&self.place);
        if let Some(line) = self.source.as_ref().filter(|_| with_source) {
            key.push_str(" `");
            key.push_str(line);
            key.push('`');
        }
    }
}

/// The module, else the file, as far as it is stable.
fn home(frame: &Frame, family: &str, file: &file::Base) -> Option<String> {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let module = frame.module.as_deref().unwrap_or_default();
    match family {
        // Made from the URL by the SDK, build hash included.
        "javascript" | "node" => file.is_script.then(|| file.name.clone()).and_then(|name| some(&name)),
        // Binaries are moved and renamed; functions of compiled languages carry their namespace.
        "native" | "c" | "cpp" | "cocoa" | "objc" | "swift" => {
            let package = frame.package.as_deref().map(|package| file::base(package).name);
            some(&file.name).filter(|_| family != "swift").or(package.filter(|name| !name.is_empty()))
        }
        // The module is the beginning of the function's own name.
        "rust" => some(&file.name),
        _ if !module.is_empty() => Some(function::without_numbers(module)),
        _ => some(&file.name),
    }
}

/// Frames that only some engines report: native functions, evaluated code.
fn is_engine(path: &str, function: &str) -> bool {
    let path = path.trim_matches(['[', ']']);
    matches!(path, "native code" | "native" | "<anonymous>" | "eval code" | "anonymous")
        || matches!(function, "eval" | "eval code")
        || path.starts_with("native ")
}

/// Where minifiers leave code: in few, long lines, or in files that say so.
fn is_minified_place(frame: &Frame, file: &str) -> bool {
    const LONG_LINE: usize = 300;
    file.contains(".min.")
        || frame.colno.is_some_and(|column| column > LONG_LINE as u64)
        || frame.context_line.as_ref().is_some_and(|line| line.len() > LONG_LINE)
}

/// Names as minifiers make them: the shortest that are free. Properties keep their names, so a longer one is
/// as it was written.
fn is_mangled(function: &str, bundled: bool, in_browser: bool) -> bool {
    let longest = match (bundled, in_browser) {
        (true, _) => 3,
        (false, true) => 2,
        (false, false) => 0,
    };
    !function.is_empty() && function.chars().count() <= longest
}

fn source(frame: &Frame, family: &str) -> Option<String> {
    const LONGEST: usize = 120;
    if !matches!(family, "javascript" | "node" | "python" | "php" | "ruby") {
        return None;
    }
    let words: Vec<&str> = frame.context_line.as_deref()?.split_whitespace().collect();
    let line = words.join(" ");
    (!line.is_empty() && line.len() <= LONGEST).then_some(line)
}
