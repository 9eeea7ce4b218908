//! Tags to search and count by: the sender's own, and those that other fields imply.

use error_sentinel_wire::{Event, Level, Object, Value, limits};

/// Every tag with how many errors have it. The sender's own win over implied ones of the same name.
///
/// A storm names the distinct values that its errors had but not how often each occurred: the event's own
/// value stands for what the others leave over, so that the sum is the number of errors.
pub fn of(event: &Event, level: Level) -> Vec<(String, String, u64)> {
    let count = event.occurrence_count();
    let mut tags: Vec<(String, String, u64)> = Vec::new();
    let mut add = |key: &str, value: Option<&str>| {
        let value = value.map(str::trim).filter(|value| !value.is_empty());
        let Some(value) = value.filter(|value| *value != crate::digest::scrub::FILTERED) else { return };
        if tags.iter().all(|(known, _, _)| known != key) {
            let mut value = value.to_owned();
            limits::cut(&mut value, limits::TAG_VALUE_BYTES);
            tags.push((key.to_owned(), value, count));
        }
    };
    for (key, value) in &event.tags {
        add(key, Some(value));
    }
    let mechanism = event.main_exception().and_then(|exception| exception.mechanism.as_ref());
    let handled = mechanism.and_then(|mechanism| mechanism.handled);
    add("level", Some(level.as_str()));
    add("environment", event.environment.as_deref());
    add("release", event.release.as_deref());
    add("dist", event.dist.as_deref());
    add("app", event.app.as_deref());
    add("server_name", event.server_name.as_deref());
    add("transaction", event.transaction.as_deref());
    add("logger", event.logger.as_deref());
    add("handled", handled.map(|handled| if handled { "yes" } else { "no" }));
    add("mechanism", mechanism.map(|mechanism| mechanism.kind.as_str()));
    for context in ["browser", "os", "runtime", "device"] {
        let found = event.contexts.get(context).and_then(Value::as_object);
        let Some(found) = found else { continue };
        let name = named(found, context == "device");
        add(context, name.as_deref());
    }
    let url = event.request.as_ref().and_then(|request| request.url.as_deref());
    add("url", url.and_then(|url| url.split(['?', '#']).next()));
    for (key, values) in event.occurrences.iter().flat_map(|many| &many.tags) {
        add_storm_values(&mut tags, key, values, count);
    }
    tags
}

/// `Chrome 126`: the name and the version's first part, so that a minor release does not make a new value.
fn named(context: &Object, is_device: bool) -> Option<String> {
    let text = |key| context.get(key).and_then(Value::as_str);
    if is_device {
        return text("model").or_else(|| text("family")).or_else(|| text("name")).map(Into::into);
    }
    let name = text("name")?;
    let major = text("version").and_then(|version| version.split('.').next());
    Some(match major {
        Some(major) if !major.is_empty() => format!("{name} {major}"),
        _ => name.to_owned(),
    })
}

fn add_storm_values(tags: &mut Vec<(String, String, u64)>, key: &str, values: &[String], count: u64) {
    let own = tags.iter().position(|(known, _, _)| known == key);
    let own_value = own.map(|at| tags[at].1.clone());
    for value in values {
        let mut value = value.trim().to_owned();
        limits::cut(&mut value, limits::TAG_VALUE_BYTES);
        let known = own_value.as_ref() == Some(&value)
            || tags.iter().any(|(name, known, _)| name == key && *known == value);
        if value.is_empty() || value == crate::digest::scrub::FILTERED || known {
            continue;
        }
        if let Some(at) = own {
            // The event itself has its own value, so one is always left to it.
            if tags[at].2 <= 1 {
                return;
            }
            tags[at].2 -= 1;
            tags.push((key.to_owned(), value, 1));
        } else if (tags.iter().filter(|(name, _, _)| name == key).count() as u64) < count {
            tags.push((key.to_owned(), value, 1));
        }
    }
}
