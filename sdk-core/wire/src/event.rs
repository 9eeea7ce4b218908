//! One error, as it is written by an SDK and read by the collector.

use alloc::string::String;
use alloc::vec::Vec;

use crate::breadcrumb::Breadcrumb;
use crate::codec::JsonWriter;
use crate::context::{Request, Sdk, User};
use crate::exception::{Exception, Stacktrace, Thread};
use crate::id::EventId;
use crate::level::Level;
use crate::time::UnixMs;
use crate::value::{Object, Value};

#[cfg(feature = "decode")]
mod decode;
#[cfg(feature = "decode")]
mod placeholders;

/// One error. Everything but the id is optional.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Event {
    /// Its name for ever; `None` until the envelope or the collector gives one.
    pub event_id: Option<EventId>,
    /// When it happened, by the sender's clock.
    pub timestamp: Option<UnixMs>,
    /// How bad; `None` when the sender did not say or said something unknown.
    pub level: Option<Level>,
    /// `rust`, `javascript`, `python`, `native`…; an open set.
    pub platform: Option<String>,
    /// The application, where one project has several.
    pub app: Option<String>,
    /// Name of the logger.
    pub logger: Option<String>,
    /// The route, job or screen.
    pub transaction: Option<String>,
    /// The machine.
    pub server_name: Option<String>,
    /// Version of the application.
    pub release: Option<String>,
    /// Build of that version.
    pub dist: Option<String>,
    /// `production`, `staging`…
    pub environment: Option<String>,
    /// The log message, where the event has one.
    pub message: Option<Message>,
    /// The chain: oldest cause first, the one that surfaced last.
    pub exceptions: Vec<Exception>,
    /// A stack that belongs to no exception.
    pub stacktrace: Option<Stacktrace>,
    /// The threads of the process.
    pub threads: Vec<Thread>,
    /// The trail, oldest first.
    pub breadcrumbs: Vec<Breadcrumb>,
    /// The person whose work failed.
    pub user: Option<User>,
    /// The request that was being answered.
    pub request: Option<Request>,
    /// `os`, `device`, `runtime`, `trace`… by name.
    pub contexts: Object,
    /// Short labels to search by.
    pub tags: Vec<(String, String)>,
    /// Anything more.
    pub extra: Object,
    /// Libraries and their versions.
    pub modules: Vec<(String, String)>,
    /// The sender's own grouping; `{{ default }}` stands for ours.
    pub fingerprint: Vec<String>,
    /// Binaries and source maps that the frames refer to (`debug_meta.images`).
    pub images: Vec<Value>,
    /// The library that made the event.
    pub sdk: Option<Sdk>,
    /// Present when this event stands for many.
    pub occurrences: Option<Occurrences>,
}

/// A log message: its template and what became of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Message {
    /// With placeholders; what events are grouped by.
    pub template: Option<String>,
    /// With the values filled in; what people read.
    pub formatted: Option<String>,
    /// The values.
    pub params: Value,
}

impl Message {
    /// What people read.
    pub fn text(&self) -> Option<&str> {
        self.formatted.as_deref().or(self.template.as_deref())
    }
}

/// How many equal errors one event of a storm stands for. Only Error Sentinel's SDKs send it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Occurrences {
    /// How many, this event itself included; at least 1.
    pub count: u64,
    /// The first of them, by the sender's clock.
    pub first: Option<UnixMs>,
    /// The last of them.
    pub last: Option<UnixMs>,
    /// Distinct users' identities, bounded.
    pub users: Vec<String>,
    /// Distinct messages, bounded.
    pub messages: Vec<String>,
    /// Distinct values of tags, bounded.
    pub tags: Vec<(String, Vec<String>)>,
    /// Distinct values that did not fit the bounds.
    pub more_count: u64,
}

impl Event {
    /// How many errors this event stands for; at least 1.
    pub fn occurrence_count(&self) -> u64 {
        self.occurrences.as_ref().map_or(1, |many| many.count.max(1))
    }

    /// The exception that surfaced.
    pub fn main_exception(&self) -> Option<&Exception> {
        self.exceptions.last()
    }

    /// The value of a tag.
    pub fn tag(&self, key: &str) -> Option<&str> {
        self.tags.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// Writes it as JSON.
    pub fn write(&self, w: &mut JsonWriter) {
        w.object(|w| {
            if let Some(id) = self.event_id {
                w.key("event_id").plain_string(&id.digits());
            }
            if let Some(time) = self.timestamp {
                w.key("timestamp").plain_string(&time.digits());
            }
            w.opt_string("level", self.level.map(Level::as_str));
            w.opt_string("platform", self.platform.as_deref());
            w.opt_string("app", self.app.as_deref());
            w.opt_string("logger", self.logger.as_deref());
            w.opt_string("transaction", self.transaction.as_deref());
            w.opt_string("server_name", self.server_name.as_deref());
            w.opt_string("release", self.release.as_deref());
            w.opt_string("dist", self.dist.as_deref());
            w.opt_string("environment", self.environment.as_deref());
            if let Some(message) = &self.message {
                w.key("logentry").object(|w| {
                    w.opt_string("formatted", message.formatted.as_deref());
                    w.opt_string("message", message.template.as_deref());
                    if message.params != Value::Null {
                        w.key("params").value(&message.params);
                    }
                });
            }
            if !self.exceptions.is_empty() {
                values(w, "exception", |w| self.exceptions.iter().for_each(|item| item.write(w)));
            }
            if let Some(stacktrace) = &self.stacktrace {
                stacktrace.write(w.key("stacktrace"));
            }
            if !self.threads.is_empty() {
                values(w, "threads", |w| self.threads.iter().for_each(|item| item.write(w)));
            }
            if !self.breadcrumbs.is_empty() {
                values(w, "breadcrumbs", |w| self.breadcrumbs.iter().for_each(|item| item.write(w)));
            }
            if let Some(user) = &self.user {
                user.write(w.key("user"));
            }
            if let Some(request) = &self.request {
                request.write(w.key("request"));
            }
            w.opt_map("contexts", &self.contexts);
            texts(w, "tags", &self.tags);
            w.opt_map("extra", &self.extra);
            texts(w, "modules", &self.modules);
            if !self.fingerprint.is_empty() {
                w.key("fingerprint").array(|w| self.fingerprint.iter().for_each(|part| w.string(part)));
            }
            if !self.images.is_empty() {
                w.key("debug_meta").object(|w| {
                    w.key("images").array(|w| self.images.iter().for_each(|image| w.value(image)));
                });
            }
            if let Some(sdk) = &self.sdk {
                sdk.write(w.key("sdk"));
            }
            if let Some(many) = &self.occurrences {
                many.write(w.key("occurrences"));
            }
        });
    }

    /// Its JSON.
    pub fn to_json(&self) -> Vec<u8> {
        let mut writer = JsonWriter::default();
        self.write(&mut writer);
        writer.into_bytes()
    }
}

impl Occurrences {
    /// Writes it as JSON.
    pub fn write(&self, w: &mut JsonWriter) {
        w.object(|w| {
            w.key("count").uint(self.count);
            if let Some(time) = self.first {
                w.key("first").plain_string(&time.digits());
            }
            if let Some(time) = self.last {
                w.key("last").plain_string(&time.digits());
            }
            for (key, list) in [("users", &self.users), ("messages", &self.messages)] {
                if !list.is_empty() {
                    w.key(key).array(|w| list.iter().for_each(|text| w.string(text)));
                }
            }
            if !self.tags.is_empty() {
                w.key("tags").object(|w| {
                    for (key, list) in &self.tags {
                        w.key(key).array(|w| list.iter().for_each(|text| w.string(text)));
                    }
                });
            }
            if self.more_count > 0 {
                w.key("more_count").uint(self.more_count);
            }
        });
    }
}

fn values(w: &mut JsonWriter, key: &str, items: impl FnOnce(&mut JsonWriter)) {
    w.key(key).object(|w| w.key("values").array(items));
}

fn texts(w: &mut JsonWriter, key: &str, entries: &[(String, String)]) {
    if !entries.is_empty() {
        w.key(key).object(|w| entries.iter().for_each(|(name, value)| w.key(name).string(value)));
    }
}
