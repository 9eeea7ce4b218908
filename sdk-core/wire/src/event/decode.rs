//! Reading an event from whatever form its sender used.

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
        let event_id = object.get("event_id").and_then(Value::as_str).and_then(|t| EventId::parse(t).ok());
        let timestamp = object.get("timestamp").and_then(UnixMs::from_value);
        let level = object.get("level").and_then(Level::from_value);

        let mut either = |key: &str, legacy: &str| object.take(key).or_else(|| object.take(legacy));
        let mut exceptions = Exception::list_from_value(either("exception", "sentry.interfaces.Exception"));
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
                Value::Object(mut object) => {
                    let template = text(object.take("message"));
                    let params = object.take("params").unwrap_or_default();
                    let sentence = || placeholders::fill(template.as_deref()?, &params);
                    let formatted = text(object.take("formatted")).or_else(sentence);
                    Message { template, formatted, params }
                }
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
