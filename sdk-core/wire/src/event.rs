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
                w.key("event_id").plain_string(id);
            }
            if let Some(time) = self.timestamp {
                w.key("timestamp").plain_string(time);
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
                w.key("first").plain_string(time);
            }
            if let Some(time) = self.last {
                w.key("last").plain_string(time);
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

#[cfg(feature = "decode")]
mod decode {
    use super::*;
    use crate::context::pairs;
    use crate::exception::listed;
    use crate::limits;

    impl Event {
        /// Reads whatever can be read of an event, in every form that senders are known to use; what cannot
        /// be read is left out. Texts and lists are cut to [`limits`].
        pub fn from_value(value: Value) -> Event {
            let mut object = value.into_object();
            let mut short = |keys: &[&str], max: usize| -> Option<String> {
                let mut text = keys.iter().find_map(|key| object.take(key)).and_then(Value::into_text)?;
                limits::cut(&mut text, max);
                (!text.trim().is_empty()).then_some(text)
            };
            let platform = short(&["platform"], limits::LABEL_BYTES);
            let app = short(&["app"], limits::SHORT_TEXT_BYTES);
            let logger = short(&["logger"], limits::LABEL_BYTES);
            let transaction = short(&["transaction", "culprit"], limits::SHORT_TEXT_BYTES);
            let server_name = short(&["server_name"], limits::SHORT_TEXT_BYTES);
            let release = short(&["release"], limits::SHORT_TEXT_BYTES);
            let dist = short(&["dist"], limits::LABEL_BYTES);
            let environment = short(&["environment"], limits::LABEL_BYTES);
            let event_id =
                object.get("event_id").and_then(Value::as_str).and_then(|t| EventId::parse(t).ok());
            let timestamp = object.get("timestamp").and_then(UnixMs::from_value);
            let level = object.get("level").and_then(Level::from_value);

            let mut either = |key: &str, legacy: &str| object.take(key).or_else(|| object.take(legacy));
            let mut exceptions =
                Exception::list_from_value(either("exception", "sentry.interfaces.Exception"));
            let message = either("logentry", "sentry.interfaces.Message");
            let user = either("user", "sentry.interfaces.User").and_then(User::from_value);
            let request = either("request", "sentry.interfaces.Http").and_then(Request::from_value);
            let breadcrumbs = listed(either("breadcrumbs", "sentry.interfaces.Breadcrumbs"));
            let contexts = either("contexts", "sentry.interfaces.Contexts").unwrap_or_default().into_object();
            let mut stacktrace =
                either("stacktrace", "sentry.interfaces.Stacktrace").and_then(Stacktrace::from_value);
            if let [only] = &mut exceptions[..]
                && only.stacktrace.is_none()
            {
                only.stacktrace = stacktrace.take();
            }
            let message = Message::from_values(message, object.take("message"));
            let threads = listed(object.take("threads")).into_iter().filter_map(Thread::from_value).collect();
            let mut breadcrumbs: Vec<Breadcrumb> =
                breadcrumbs.into_iter().filter_map(Breadcrumb::from_value).collect();
            let extra_crumbs = breadcrumbs.len().saturating_sub(limits::BREADCRUMBS);
            breadcrumbs.drain(..extra_crumbs);

            let mut tags = pairs(object.take("tags").unwrap_or_default());
            let mut environment = environment;
            tags.retain_mut(|(key, value)| {
                limits::cut(key, limits::TAG_KEY_BYTES);
                limits::cut(value, limits::TAG_VALUE_BYTES);
                if key == "environment" && environment.is_none() {
                    environment = Some(core::mem::take(value));
                    return false;
                }
                !key.trim().is_empty()
            });
            tags.truncate(limits::TAGS);

            let fingerprint = match object.take("fingerprint") {
                Some(Value::Array(parts)) => {
                    parts.into_iter().filter_map(Value::into_text).take(limits::FINGERPRINT_PARTS).collect()
                }
                Some(other) => other.into_text().into_iter().collect(),
                None => Vec::new(),
            };
            let images = object
                .take("debug_meta")
                .and_then(|meta| meta.into_object().take("images"))
                .map(|images| listed(Some(images)))
                .unwrap_or_default();
            Event {
                event_id,
                timestamp,
                level,
                platform,
                app,
                logger,
                transaction,
                server_name,
                release,
                dist,
                environment,
                message,
                exceptions,
                stacktrace,
                threads,
                breadcrumbs,
                user,
                request,
                contexts,
                tags,
                extra: object.take("extra").unwrap_or_default().into_object(),
                modules: pairs(object.take("modules").unwrap_or_default()),
                fingerprint,
                images,
                sdk: object.take("sdk").and_then(Sdk::from_value),
                occurrences: object.take("occurrences").and_then(Occurrences::from_value),
            }
        }
    }

    impl Message {
        /// Reads `logentry` and `message`, either of which can be a text or an object.
        fn from_values(logentry: Option<Value>, message: Option<Value>) -> Option<Message> {
            let text = |value: Option<Value>| {
                let mut text = value.and_then(Value::into_text)?;
                limits::cut(&mut text, limits::MESSAGE_BYTES);
                (!text.trim().is_empty()).then_some(text)
            };
            let read = |value: Value| {
                let message = match value {
                    Value::Object(mut object) => Message {
                        template: text(object.take("message")),
                        formatted: text(object.take("formatted")),
                        params: object.take("params").unwrap_or_default(),
                    },
                    other => Message { formatted: text(Some(other)), ..Message::default() },
                };
                message.text().is_some().then_some(message)
            };
            let first = logentry.and_then(read);
            let second = message.and_then(read);
            match (first, second) {
                (Some(first), Some(second)) if first.formatted.is_none() => {
                    Some(Message { formatted: second.formatted, ..first })
                }
                (first, second) => first.or(second),
            }
        }
    }

    impl Occurrences {
        /// Reads whatever can be read; `None` without a count.
        pub fn from_value(value: Value) -> Option<Occurrences> {
            let mut object = value.into_object();
            let count = match object.get("count")? {
                Value::Int(count) => u64::try_from(*count).ok().filter(|count| *count > 0)?,
                _ => return None,
            };
            let (first, last) = (
                object.get("first").and_then(UnixMs::from_value),
                object.get("last").and_then(UnixMs::from_value),
            );
            let list = |value: Option<Value>| -> Vec<String> {
                let Some(Value::Array(items)) = value else { return Vec::new() };
                items.into_iter().filter_map(Value::into_text).take(limits::OCCURRENCE_VALUES).collect()
            };
            let tags = object.take("tags").unwrap_or_default().into_object();
            let more_count = object.get("more_count").and_then(Value::as_i64).unwrap_or(0);
            Some(Occurrences {
                count,
                first,
                last,
                users: list(object.take("users")),
                messages: list(object.take("messages")),
                tags: tags
                    .0
                    .into_iter()
                    .take(limits::TAGS)
                    .map(|(key, values)| (key, list(Some(values))))
                    .collect(),
                more_count: u64::try_from(more_count).unwrap_or(0),
            })
        }
    }
}
