//! Saved events in all the forms that people keep them in, made ready to be sent again.

use std::path::{Path, PathBuf};

use error_sentinel_wire::envelope::{self, EnvelopeWriter, Header};
use error_sentinel_wire::{EventId, UnixMs, Value, codec};
use memchr::memmem;

use crate::commands::Failure;

/// What a file's name says about its form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// An envelope as it was sent.
    Envelope,
    /// JSON; what sort is seen from its content.
    Json,
}

impl Form {
    pub fn of(file: &Path) -> Form {
        match file.extension().and_then(|end| end.to_str()) {
            Some(end) if end.eq_ignore_ascii_case("envelope") => Form::Envelope,
            _ => Form::Json,
        }
    }
}

/// All files that are meant: folders stand for the `.json` and `.envelope` files below them, by name.
pub(super) fn find(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            search(path, &mut files).map_err(|error| unreadable(path, &error))?;
        } else {
            std::fs::metadata(path).map_err(|error| unreadable(path, &error))?;
            files.push(path.clone());
        }
    }
    if files.is_empty() {
        return Err(Failure::new("there is no .json or .envelope file to replay"));
    }
    Ok(files)
}

fn search(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let mut entries: Vec<_> = std::fs::read_dir(folder)?.collect::<std::io::Result<_>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        // A link to a folder is not followed, so that a circle of links ends.
        if entry.file_type()?.is_dir() {
            search(&path, files)?;
        } else if path.extension().is_some_and(|end| end == "json" || end == "envelope") && path.is_file() {
            files.push(path);
        }
    }
    Ok(())
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("{} cannot be read: {error}", path.display()))
}

/// The envelope to send for a file of these bytes. `fresh` fills in random bytes, or refuses and thereby
/// leaves the ids as they are.
///
/// The bytes of events are not rewritten: an id is replaced by one of the same length wherever it stands, and
/// everything else is sent as it was saved, oddities included.
///
/// # Errors
/// A sentence, when the bytes are none of the forms.
pub(super) fn envelope(
    bytes: &[u8],
    form: Form,
    now: UnixMs,
    mut fresh: impl FnMut(&mut [u8; 16]) -> bool,
) -> Result<Vec<u8>, String> {
    let value = match form {
        Form::Envelope => None,
        Form::Json => codec::decode_value(bytes).ok(),
    };
    let mut envelope = match value {
        Some(Value::Object(_)) => around(bytes, now),
        Some(Value::Array(lines)) => joined(lines),
        Some(_) => return Err("it is JSON, but neither an event nor an array of an envelope's lines".into()),
        None => bytes.to_vec(),
    };
    let known = event_ids(&envelope)?;
    for id in known {
        let mut random = [0; 16];
        if fresh(&mut random) {
            replace(&mut envelope, id, EventId::from_random(random));
        }
    }
    Ok(envelope)
}

/// An envelope around one event.
fn around(event: &[u8], now: UnixMs) -> Vec<u8> {
    let event_id = id_of(event);
    let mut writer = EnvelopeWriter::new(&Header { event_id, sent_at: Some(now), ..Header::default() });
    writer.item("event", event_id, event);
    writer.into_bytes()
}

/// Lines that were saved as an array. Written anew they have another length, so the headers' is left out.
fn joined(lines: Vec<Value>) -> Vec<u8> {
    let mut out = Vec::new();
    for (index, line) in lines.into_iter().enumerate() {
        let text = match line {
            Value::String(text) => text,
            Value::Object(mut header) if index % 2 == 1 => {
                header.0.retain(|(key, _)| key != "length");
                codec::to_json(&Value::Object(header))
            }
            other => codec::to_json(&other),
        };
        out.extend_from_slice(text.as_bytes());
        out.push(b'\n');
    }
    out
}

/// The ids of the events in an envelope, each once.
fn event_ids(bytes: &[u8]) -> Result<Vec<EventId>, String> {
    let (header, items) = envelope::open(bytes).map_err(|error| error.to_string())?;
    let mut ids: Vec<EventId> = header.event_id.into_iter().collect();
    // What cannot be framed is the collector's to judge; here only the ids before it matter.
    for item in items.map_while(Result::ok) {
        ids.extend(item.header.event_id);
        if item.header.kind == "event" {
            ids.extend(id_of(item.payload));
        }
    }
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

fn id_of(event: &[u8]) -> Option<EventId> {
    let [text] = codec::validate(event, ["event_id"]).ok()?;
    EventId::parse(&text?).ok()
}

/// Puts `new` wherever `old` stands, in the form in which it stands there.
fn replace(bytes: &mut [u8], old: EventId, new: EventId) {
    for form in [plain, dashed] {
        for case in [str::to_ascii_lowercase, str::to_ascii_uppercase] {
            let (old, new) = (case(&form(old)), case(&form(new)));
            let places: Vec<usize> = memmem::find_iter(bytes, old.as_bytes()).collect();
            for place in places {
                bytes[place..place + new.len()].copy_from_slice(new.as_bytes());
            }
        }
    }
}

fn plain(id: EventId) -> String {
    id.to_string()
}

fn dashed(id: EventId) -> String {
    let hex = id.to_string();
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const OLD: &str = "fc6d8c0c43fc4630ad850ee518f1b9d0";
    const NEW: &str = "01010101010141018101010101010101";
    const NOW: UnixMs = UnixMs(1_800_000_000_000);

    fn fresh(bytes: &mut [u8; 16]) -> bool {
        *bytes = [1; 16];
        true
    }

    fn text(bytes: &str, form: Form) -> String {
        String::from_utf8(envelope(bytes.as_bytes(), form, NOW, fresh).unwrap()).unwrap()
    }

    #[test]
    fn an_event_is_wrapped_and_its_bytes_stay_but_for_the_id() {
        let event = format!("{{\n  \"event_id\" : \"{OLD}\", \"timestamp\": 1.50, \"tags\": {{}}\n}}");
        let sent = text(&event, Form::Json);
        let (header, items) = envelope::open(sent.as_bytes()).unwrap();
        assert_eq!(header.event_id, Some(EventId::parse(NEW).unwrap()));
        assert_eq!(header.sent_at, Some(NOW));
        let items: Vec<_> = items.map(Result::unwrap).collect();
        assert_eq!(items.len(), 1);
        assert_eq!(items[0].header.event_id, header.event_id);
        assert_eq!(items[0].payload, event.replace(OLD, NEW).as_bytes());
    }

    #[test]
    fn an_envelope_gets_a_fresh_id_everywhere_and_in_every_form() {
        let dashed_upper = "FC6D8C0C-43FC-4630-AD85-0EE518F1B9D0";
        let payload = format!("{{\"event_id\":\"{dashed_upper}\"}}");
        let saved = format!(
            "{{\"event_id\":\"{OLD}\"}}\n{{\"type\":\"event\",\"length\":{}}}\n{payload}\n",
            payload.len()
        );
        let sent = text(&saved, Form::Envelope);
        assert!(!sent.contains(OLD) && !sent.contains(dashed_upper), "{sent}");
        assert_eq!(sent.len(), saved.len());
        assert!(sent.contains("01010101-0101-4101-8101-010101010101"), "{sent}");
        let (_, items) = envelope::open(sent.as_bytes()).unwrap();
        assert!(items.map(Result::unwrap).count() == 1);
    }

    #[test]
    fn lines_that_were_saved_as_an_array_become_an_envelope() {
        let saved = format!(
            "[{{\"event_id\": \"{OLD}\"}},\n {{\"type\": \"event\", \"length\": 999}},\n {{\"event_id\": \"{OLD}\", \
             \"message\": \"m\"}}]"
        );
        assert_eq!(
            text(&saved, Form::Json),
            format!(
                "{{\"event_id\":\"{NEW}\"}}\n{{\"type\":\"event\"}}\n{{\"event_id\":\"{NEW}\",\"message\":\"m\"}}\n"
            )
        );
    }

    #[test]
    fn ids_can_be_kept() {
        let saved = format!("{{\"event_id\":\"{OLD}\"}}\n");
        assert_eq!(envelope(saved.as_bytes(), Form::Envelope, NOW, |_| false).unwrap(), saved.as_bytes());
    }

    #[test]
    fn an_envelope_of_several_lines_is_seen_whatever_its_name() {
        let saved = "{}\n{\"type\":\"session\"}\n{\"sid\":1}\n";
        assert_eq!(text(saved, Form::Json), saved);
        assert_eq!(text("{}", Form::Envelope), "{}");
    }

    #[test]
    fn what_is_neither_is_refused_with_a_reason() {
        for (bytes, reason) in [("", "empty"), ("hello", "not valid JSON"), ("3", "neither an event")] {
            let error = envelope(bytes.as_bytes(), Form::Json, NOW, fresh).unwrap_err();
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn folders_are_searched_for_events_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("b")).unwrap();
        for name in ["c.json", "b/x.envelope", "a.json", "README.md"] {
            std::fs::write(at(name), "{}").unwrap();
        }
        let found = find(&[folder.path().to_owned(), at("README.md")]).unwrap();
        assert_eq!(found, [at("a.json"), at("b/x.envelope"), at("c.json"), at("README.md")]);
        assert!(find(&[at("missing")]).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = envelope(&bytes, Form::Json, NOW, fresh);
            let _ = envelope(&bytes, Form::Envelope, NOW, fresh);
        }
    }
}
