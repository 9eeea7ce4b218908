//! Who and what was around an event: the user, the request, the SDK.

use alloc::string::String;
use alloc::vec::Vec;

use crate::codec::JsonWriter;
use crate::value::{Object, Value};

/// The person whose work failed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct User {
    /// The application's own id.
    pub id: Option<String>,
    /// Mail address.
    pub email: Option<String>,
    /// Login name.
    pub username: Option<String>,
    /// Network address; `{{auto}}` asks the collector to fill it in.
    pub ip_address: Option<String>,
    /// Anything more.
    pub data: Object,
}

impl User {
    /// The text that tells this user from another: the first of id, mail, name and address.
    pub fn identity(&self) -> Option<&str> {
        [&self.id, &self.email, &self.username, &self.ip_address]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .find(|text| !text.is_empty() && *text != "{{auto}}")
    }

    /// Writes it as JSON.
    pub fn write(&self, w: &mut JsonWriter) {
        w.object(|w| {
            w.opt_string("id", self.id.as_deref());
            w.opt_string("email", self.email.as_deref());
            w.opt_string("username", self.username.as_deref());
            w.opt_string("ip_address", self.ip_address.as_deref());
            w.opt_map("data", &self.data);
        });
    }

    /// Reads whatever can be read; a bare text or number is taken as the id.
    #[cfg(feature = "decode")]
    pub fn from_value(value: Value) -> Option<User> {
        let mut object = match value {
            Value::Object(object) => object,
            Value::Array(_) | Value::Null | Value::Bool(_) => return None,
            other => return Some(User { id: other.into_text(), ..User::default() }),
        };
        let mut text = |key| object.take(key).and_then(Value::into_text);
        let (id, email, username) = (text("id"), text("email"), text("username"));
        let ip_address = text("ip_address");
        let mut data = object.take("data").unwrap_or_default().into_object();
        data.0.extend(object.0.into_iter().filter(|(_, value)| *value != Value::Null));
        let user = User { id, email, username, ip_address, data };
        (user != User::default()).then_some(user)
    }
}

/// The HTTP request that was being answered, or the page that was shown.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Request {
    /// Without the query.
    pub url: Option<String>,
    /// `GET` and the like.
    pub method: Option<String>,
    /// As one text, however it was sent.
    pub query_string: Option<String>,
    /// As one text, however they were sent.
    pub cookies: Option<String>,
    /// Names and values in order; a name can occur more than once.
    pub headers: Vec<(String, String)>,
    /// The body, or what the SDK kept of it.
    pub data: Value,
    /// The server's environment: `REMOTE_ADDR` and the like.
    pub env: Object,
}

impl Request {
    /// Writes it as JSON.
    pub fn write(&self, w: &mut JsonWriter) {
        w.object(|w| {
            w.opt_string("url", self.url.as_deref());
            w.opt_string("method", self.method.as_deref());
            w.opt_string("query_string", self.query_string.as_deref());
            w.opt_string("cookies", self.cookies.as_deref());
            if !self.headers.is_empty() {
                w.key("headers").array(|w| {
                    for (name, value) in &self.headers {
                        w.array(|w| {
                            w.string(name);
                            w.string(value);
                        });
                    }
                });
            }
            if self.data != Value::Null {
                w.key("data").value(&self.data);
            }
            w.opt_map("env", &self.env);
        });
    }

    /// Reads whatever can be read.
    #[cfg(feature = "decode")]
    pub fn from_value(value: Value) -> Option<Request> {
        let Value::Object(mut object) = value else { return None };
        let headers = object.take("headers").map(pairs).unwrap_or_default();
        let join = |value: Value, separator: &str| match value {
            Value::String(text) => Some(text),
            other => {
                let pairs = pairs(other);
                let parts: Vec<String> =
                    pairs.into_iter().map(|(name, value)| alloc::format!("{name}={value}")).collect();
                (!parts.is_empty()).then(|| parts.join(separator))
            }
        };
        let query_string = object.take("query_string").and_then(|value| join(value, "&"));
        let cookies = object.take("cookies").and_then(|value| join(value, "; "));
        let mut text = |key| object.take(key).and_then(Value::into_text);
        let (url, method) = (text("url"), text("method"));
        let data = object.take("data").unwrap_or_default();
        let env = object.take("env").unwrap_or_default().into_object();
        let request = Request { url, method, query_string, cookies, headers, data, env };
        (request != Request::default()).then_some(request)
    }
}

/// Reads a map, a list of pairs, or a map of lists (PHP) as names and values.
#[cfg(feature = "decode")]
pub(crate) fn pairs(value: Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut add = |name: String, value: Value| match value {
        Value::Null => {}
        Value::Array(values) => {
            found.extend(values.into_iter().filter_map(Value::into_text).map(|text| (name.clone(), text)));
        }
        value => found.extend(value.into_text().map(|text| (name, text))),
    };
    match value {
        Value::Object(object) => object.0.into_iter().for_each(|(name, value)| add(name, value)),
        Value::Array(items) => {
            for item in items {
                let Value::Array(pair) = item else { continue };
                let mut pair = pair.into_iter();
                let (name, value) = (pair.next().and_then(Value::into_text), pair.next());
                if let (Some(name), Some(value)) = (name, value) {
                    add(name, value);
                }
            }
        }
        _ => {}
    }
    found
}

/// The library that made the event.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sdk {
    /// `error-sentinel.rust`, `sentry.python`…
    pub name: String,
    /// Its version.
    pub version: String,
}

impl Sdk {
    /// Writes it as JSON.
    pub fn write(&self, w: &mut JsonWriter) {
        w.object(|w| {
            w.key("name").string(&self.name);
            w.key("version").string(&self.version);
        });
    }

    /// Reads whatever can be read.
    #[cfg(feature = "decode")]
    pub fn from_value(value: Value) -> Option<Sdk> {
        let Value::Object(mut object) = value else { return None };
        let mut text = |key| object.take(key).and_then(Value::into_text).unwrap_or_default();
        let sdk = Sdk { name: text("name"), version: text("version") };
        (!sdk.name.is_empty()).then_some(sdk)
    }
}
