//! What all pages have in common: the frame around them, their headers, and how they fail.

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use super::{Dashboard, Shared};
use crate::store::account::Account;
use crate::store::{self, Store, StoreError};

/// No inline code, nothing from elsewhere, no frame around us.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// What the frame around a page shows.
pub struct Shell {
    /// Put before every link.
    pub prefix: String,
    /// Which entry of the menu is lit.
    pub section: &'static str,
    /// Who is signed in.
    pub email: String,
    /// Alarms that wait because no mail server is known; `None` when one is.
    pub alarms_without_bell: Option<u64>,
    /// Alarms that were given up.
    pub dead_alarm_count: usize,
}

impl Shell {
    /// Reads what the frame shows. Blocks.
    pub fn read(
        store: &dyn Store,
        frame: &Frame,
        account: &Account,
        section: &'static str,
    ) -> store::Result<Shell> {
        let has_bell = frame.has_mail || store.mail_settings()?.is_some();
        Ok(Shell {
            prefix: frame.prefix.clone(),
            section,
            email: account.email.clone(),
            alarms_without_bell: if has_bell { None } else { Some(store.waiting_count()?) },
            dead_alarm_count: store.dead_letters(100)?.len(),
        })
    }
}

/// What a page needs of the dashboard inside a blocking call.
#[derive(Clone)]
pub struct Frame {
    /// Put before every link.
    pub prefix: String,
    /// Whether mail is set by file or environment.
    pub has_mail: bool,
    /// How people reach the pages.
    pub public_url: std::sync::Arc<str>,
}

impl Dashboard {
    /// Reads from the store and renders what comes out, off the async threads.
    pub async fn page<T: Template + Send + 'static>(
        &self,
        read: impl FnOnce(&dyn Store, &Frame) -> Result<T, Problem> + Send + 'static,
    ) -> Result<Response, Problem> {
        let frame = self.frame();
        let store = self.store.clone();
        let html = tokio::task::spawn_blocking(move || {
            read(&*store, &frame)?.render().map_err(|error| {
                tracing::error!(%error, "a page cannot be rendered");
                Problem::internal("the page cannot be shown")
            })
        })
        .await
        .map_err(|_| Problem::internal("the page cannot be shown"))??;
        Ok(Html(html).into_response())
    }

    /// What pages need of the dashboard.
    pub fn frame(&self) -> Frame {
        Frame {
            prefix: self.prefix.clone(),
            has_mail: self.settings.smtp.is_some(),
            public_url: self.public_url.clone(),
        }
    }

    /// A redirect to a page of ours.
    pub fn to(&self, path: &str) -> Response {
        axum::response::Redirect::to(&format!("{}{path}", self.prefix)).into_response()
    }
}

/// Why there is no page.
#[derive(Debug, Clone)]
pub struct Problem {
    status: StatusCode,
    title: &'static str,
    detail: String,
}

#[derive(Template)]
#[template(path = "dashboard/problem.html")]
struct ProblemPage<'a> {
    prefix: &'a str,
    title: &'a str,
    detail: &'a str,
}

impl Problem {
    fn new(status: StatusCode, title: &'static str, detail: impl Into<String>) -> Problem {
        Problem { status, title, detail: detail.into() }
    }

    /// There is no such thing.
    pub fn not_found(what: &str) -> Problem {
        Problem::new(StatusCode::NOT_FOUND, "Not found", what)
    }

    /// Nobody is signed in.
    pub fn unauthorized() -> Problem {
        Problem::new(StatusCode::UNAUTHORIZED, "Not signed in", "Sign in and try again.")
    }

    /// A form of another site.
    pub fn forged() -> Problem {
        let detail = "This request did not come from a page of this dashboard, so nothing was changed.";
        Problem::new(StatusCode::FORBIDDEN, "Refused", detail)
    }

    /// What was sent makes no sense.
    pub fn bad(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, "That did not work", detail)
    }

    /// Our own fault.
    pub fn internal(detail: &str) -> Problem {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong", detail)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Problem {
        match error {
            StoreError::Conflict(detail) => Problem::bad(detail),
            StoreError::Busy(_) => Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "Busy",
                "The store is busy. Errors are still accepted; try this page again in a moment.",
            ),
            error => {
                tracing::error!(%error, "a page cannot read the store");
                Problem::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "The store does not answer",
                    "Errors are still accepted while there is room. The collector's log names the cause.",
                )
            }
        }
    }
}

/// Only says what is wrong; [`finish`] makes the page, since it knows the prefix of links.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Renders a page that needs nothing from the store.
pub fn render(page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => Html(html).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page cannot be rendered");
            Problem::internal("the page cannot be shown").into_response()
        }
    }
}

/// Answers every path that is none.
pub async fn not_found(State(_): Shared) -> Problem {
    Problem::not_found("There is no page at this address.")
}

/// The last step of every answer: a page for what has none yet, and the headers that keep pages safe.
pub async fn finish(State(dashboard): Shared, mut response: Response) -> Response {
    let problem = response.extensions_mut().remove::<Problem>().or_else(|| refusal(&response));
    if let Some(problem) = problem {
        response = explain(&problem, &dashboard.prefix, response);
    }
    let fixed: [(HeaderName, &str); 6] = [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        // A link in an event must not learn the address of the dashboard.
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=()"),
    ];
    let headers = response.headers_mut();
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// What the framework refused in words of its own: a form that lacks a field, a method that a path has not.
fn refusal(response: &Response) -> Option<Problem> {
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if !status.is_client_error() || kind.is_some_and(|kind| !kind.starts_with("text/plain")) {
        return None;
    }
    let detail = "The request was not one that a page of this dashboard sends, so nothing was changed.";
    Some(Problem::new(status, "That did not work", detail))
}

/// Puts the page of a problem into an answer; its status and headers stay.
fn explain(problem: &Problem, prefix: &str, response: Response) -> Response {
    let page = ProblemPage { prefix, title: problem.title, detail: &problem.detail };
    let html = page.render().unwrap_or_else(|error| {
        tracing::error!(%error, "the page of a problem cannot be rendered");
        problem.title.to_owned()
    });
    let (mut parts, _) = response.into_parts();
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, html.into())
}
