//! What happened before: one step of the trail that leads to an event.

use alloc::string::String;

use crate::codec::JsonWriter;
use crate::level::Level;
use crate::time::UnixMs;
use crate::value::Object;

/// One step before the event.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Breadcrumb {
    /// When it happened, by the sender's clock.
    pub timestamp: Option<UnixMs>,
    /// Kind of step: `default`, `http`, `navigation`, `error`…
    pub kind: Option<String>,
    /// Where it comes from, dotted: `ui.click`, `console`, `db.query`…
    pub category: Option<String>,
    /// What happened.
    pub message: Option<String>,
    /// How bad it was.
    pub level: Option<Level>,
    /// Anything more.
    pub data: Object,
}

impl Breadcrumb {
    /// Writes it as JSON.
    pub fn write(&self, w: &mut JsonWriter) {
        w.object(|w| {
            if let Some(time) = self.timestamp {
                w.key("timestamp").plain_string(&time.digits());
            }
            w.opt_string("type", self.kind.as_deref());
            w.opt_string("category", self.category.as_deref());
            w.opt_string("message", self.message.as_deref());
            w.opt_string("level", self.level.map(Level::as_str));
            w.opt_map("data", &self.data);
        });
    }

    /// Reads whatever can be read; `None` when it is no object or holds nothing.
    #[cfg(feature = "decode")]
    pub fn from_value(value: crate::value::Value) -> Option<Breadcrumb> {
        use crate::value::Value;
        let Value::Object(mut object) = value else { return None };
        let mut text = |key| object.take(key).and_then(Value::into_text);
        let (kind, category, message) = (text("type"), text("category"), text("message"));
        let timestamp = object.get("timestamp").and_then(UnixMs::from_value);
        let level = object.get("level").and_then(Level::from_value);
        let data = match object.take("data") {
            Some(Value::Object(data)) => data,
            Some(other) => Object(alloc::vec![("value".into(), other)]),
            None => Object::default(),
        };
        let crumb = Breadcrumb { timestamp, kind, category, message, level, data };
        (crumb != Breadcrumb::default()).then_some(crumb)
    }
}
