//! A person at the dashboard: follows links, fills in forms, keeps cookies.

use std::collections::BTreeMap;

use crate::{Collector, Connection, Reply, Request};

/// Someone with a browser, as far as a test needs one.
#[derive(Debug)]
pub struct Person {
    connection: Connection,
    cookies: BTreeMap<String, String>,
    /// Path of the page that is open.
    pub path: String,
}

/// Name and password of the test's person.
const EMAIL: &str = "ada@example.com";
const PASSWORD: &str = "a long sentence to remember";

impl Person {
    /// Someone who has opened nothing yet.
    pub fn new(collector: &Collector) -> Person {
        Person { connection: collector.connect(), cookies: BTreeMap::new(), path: "/".into() }
    }

    /// Someone who has opened the setup link and chosen a password.
    ///
    /// # Panics
    /// When that does not lead to the list of issues.
    #[track_caller]
    pub fn signed_in(collector: &Collector) -> Person {
        let mut person = Person::new(collector);
        let page = person.open(collector.setup_link());
        assert_eq!(page.status, 200, "{}", page.text());
        let reply = person.submit(&page, &[("email", EMAIL), ("password", PASSWORD)]);
        assert_eq!(reply.status, 200, "{}: {}", person.path, reply.text());
        let home = person.open("/");
        assert_eq!(home.status, 200, "{}", home.text());
        assert!(!person.path.contains("login"), "signing in led to {}: {}", person.path, home.text());
        person
    }

    /// Signs in by name and password.
    #[track_caller]
    pub fn sign_in(&mut self, login_page: &Reply) -> Reply {
        self.submit(login_page, &[("email", EMAIL), ("password", PASSWORD)])
    }

    /// The same, without following where that leads.
    #[track_caller]
    pub fn sign_in_once(&mut self, login_page: &Reply) -> Reply {
        let request = self.filled_in(login_page, &[("email", EMAIL), ("password", PASSWORD)]);
        self.send(request)
    }

    /// Opens a page, following redirects.
    #[track_caller]
    pub fn open(&mut self, link: &str) -> Reply {
        self.path = path_of(link);
        let request = Request::get(&self.path);
        self.follow(request)
    }

    /// Fills in the page's form that has all the named fields, keeps its other fields as they are, sends it, and
    /// follows redirects. A field of the form whose name only contains the given one counts too
    /// (`password_again` for `password`).
    ///
    /// # Panics
    /// When there is no such form.
    #[track_caller]
    pub fn submit(&mut self, page: &Reply, fields: &[(&str, &str)]) -> Reply {
        let request = self.filled_in(page, fields);
        self.follow(request)
    }

    #[track_caller]
    fn filled_in(&mut self, page: &Reply, fields: &[(&str, &str)]) -> Request {
        let html = page.text();
        let form = forms(&html)
            .into_iter()
            .find(|form| fields.iter().all(|(name, _)| form.fields.iter().any(|(n, _)| n.contains(name))))
            .unwrap_or_else(|| panic!("no form with {fields:?} on {}:\n{html}", self.path));
        self.form_request(&form, fields)
    }

    /// Presses the button with this label.
    ///
    /// # Panics
    /// When there is no such button.
    #[track_caller]
    pub fn press(&mut self, page: &Reply, label: &str) -> Reply {
        let html = page.text();
        let form = forms(&html)
            .into_iter()
            .find(|form| form.buttons.iter().any(|(text, _, _)| text == label))
            .unwrap_or_else(|| panic!("no button {label:?} on {}:\n{html}", self.path));
        let button = form.buttons.iter().find(|(text, _, _)| text == label).cloned();
        let (_, name, value) = button.unwrap_or_default();
        let mut form = form;
        if !name.is_empty() {
            form.fields.push((name, value));
        }
        let request = self.form_request(&form, &[]);
        self.follow(request)
    }

    fn form_request(&mut self, form: &Form, fields: &[(&str, &str)]) -> Request {
        let filled: Vec<String> = form
            .fields
            .iter()
            .map(|(name, value)| {
                let given = fields.iter().find(|(given, _)| name.contains(given));
                format!("{}={}", percent(name), percent(given.map_or(value.as_str(), |(_, value)| value)))
            })
            .collect();
        if !form.action.is_empty() {
            self.path = path_of(&form.action);
        }
        let origin = format!("http://{}", self.host());
        Request::post(&self.path, filled.join("&"))
            .header("Content-Type", "application/x-www-form-urlencoded")
            .header("Origin", origin)
            .header("Sec-Fetch-Site", "same-origin")
    }

    /// Sends any request with the cookies of this person, without following redirects.
    ///
    /// # Panics
    /// When there is no reply.
    #[track_caller]
    pub fn send(&mut self, mut request: Request) -> Reply {
        if !self.cookies.is_empty() {
            request = request.header("Cookie", self.cookies());
        }
        let reply = self.connection.send(&request).unwrap_or_else(|e| panic!("{request:?}: {e}"));
        for cookie in reply.headers("set-cookie") {
            let pair = cookie.split(';').next().unwrap_or_default();
            if let Some((name, value)) = pair.split_once('=') {
                self.cookies.insert(name.trim().to_owned(), value.trim().to_owned());
            }
        }
        reply
    }

    /// The cookies as a header's value, for a connection of one's own.
    pub fn cookies(&self) -> String {
        let pairs: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("; ")
    }

    #[track_caller]
    fn follow(&mut self, request: Request) -> Reply {
        let mut reply = self.send(request);
        for _ in 0..10 {
            let Some(location) = reply.header("location").filter(|_| (301..309).contains(&reply.status))
            else {
                return reply;
            };
            self.path = path_of(location);
            let request = Request::get(&self.path);
            reply = self.send(request);
        }
        panic!("redirected in circles at {}", self.path);
    }

    fn host(&self) -> String {
        self.connection.host().to_owned()
    }
}

/// A form as it stands in a page.
#[derive(Debug, Clone, Default)]
struct Form {
    action: String,
    fields: Vec<(String, String)>,
    /// Label, name and value.
    buttons: Vec<(String, String, String)>,
}

/// Reads the forms of a page, as far as our own pages go: attributes in double quotes.
fn forms(html: &str) -> Vec<Form> {
    html.split("<form").skip(1).map(|rest| form(rest.split("</form>").next().unwrap_or_default())).collect()
}

fn form(html: &str) -> Form {
    let (head, body) = html.split_once('>').unwrap_or((html, ""));
    let mut form = Form { action: attribute(head, "action").unwrap_or_default(), ..Form::default() };
    for tag in body.split('<').skip(1) {
        let (head, text) = tag.split_once('>').unwrap_or((tag, ""));
        let name = attribute(head, "name").unwrap_or_default();
        let value = attribute(head, "value").unwrap_or_default();
        if head.starts_with("button") {
            form.buttons.push((text.trim().to_owned(), name, value));
        } else if (head.starts_with("input") || head.starts_with("select") || head.starts_with("textarea"))
            && !name.is_empty()
            && attribute(head, "type").as_deref() != Some("submit")
        {
            form.fields.push((name, value));
        }
    }
    form
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let start = tag.find(&format!(" {name}=\""))? + name.len() + 3;
    let value = tag[start..].split('"').next()?;
    Some(value.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
}

fn path_of(link: &str) -> String {
    match link.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/".to_owned(), |slash| rest[slash..].to_owned()),
        None => link.to_owned(),
    }
}

fn percent(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_with_its_hidden_fields_and_buttons() {
        let html = r#"<form method="post" action="/issues/1/status"><input type="hidden" name="csrf" value="a&quot;b">
            <button name="status" value="resolved">Resolve</button></form><form action="/x"></form>"#;
        let forms = forms(html);
        assert_eq!(forms.len(), 2);
        assert_eq!(forms[0].action, "/issues/1/status");
        assert_eq!(forms[0].fields, [("csrf".to_owned(), "a\"b".to_owned())]);
        assert_eq!(forms[0].buttons, [("Resolve".to_owned(), "status".to_owned(), "resolved".to_owned())]);
    }

    #[test]
    fn what_is_typed_is_escaped_on_the_way() {
        assert_eq!(percent("a b&c=ü"), "a%20b%26c%3D%C3%BC");
    }
}
