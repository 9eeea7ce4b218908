//! Events of the crate `tracing`: errors become alerts, the rest becomes the steps before them.
//!
//! An alert says in which spans it happened and what their fields were; the outermost span names the transaction, and
//! a field `trace_id` or `traceparent` in any of them is the trace. An error in a field, such as
//! `error = &err as &dyn std::error::Error`, is reported with its causes.
//!
//! ```
//! use tracing_subscriber::layer::SubscriberExt;
//!
//! let subscriber = tracing_subscriber::registry().with(error_sentinel::integrations::tracing::layer());
//! tracing::subscriber::with_default(subscriber, || {
//!     let _order = tracing::info_span!("order", number = 7).entered();
//!     tracing::info!("cart opened");
//!     tracing::error!("the shelf is empty");
//! });
//! ```

use std::error::Error;
use std::fmt::{self, Write};

use error_sentinel_wire::{Level, Object, TraceId, Value, limits};
use tracing_core::field::{Field, Visit};
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use super::record::Action;
use crate::alert::{Alert, Bounded, Chain};
use crate::{Breadcrumb, Trace, is_reporting};

/// Most spans that an alert names.
const SPANS: usize = 16;

/// The layer.
pub fn layer() -> SentinelLayer {
    SentinelLayer { _private: () }
}

/// Reports what passes through; made by [`layer`].
#[derive(Debug)]
pub struct SentinelLayer {
    _private: (),
}

/// Fields of a span or an event.
#[derive(Debug, Default)]
struct Fields {
    message: Option<String>,
    data: Object,
    chain: Chain,
}

impl Fields {
    fn set(&mut self, field: &Field, value: impl Into<Value>) {
        if self.data.0.len() < limits::TAGS {
            self.data.set(field.name(), value);
        }
    }

    fn set_text(&mut self, field: &Field, text: String) {
        if field.name() == "message" {
            self.message = Some(text);
        } else {
            self.set(field, text);
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut text = String::new();
        // What is too long ends the writing; what there is by then is kept.
        let _ = write!(Bounded::new(&mut text, limits::MESSAGE_BYTES), "{value:?}");
        self.set_text(field, text);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let mut text = String::new();
        limits::push_cut(&mut text, value, limits::MESSAGE_BYTES);
        self.set_text(field, text);
    }

    fn record_error(&mut self, _: &Field, error: &(dyn Error + 'static)) {
        self.chain = Chain::of(error);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, value);
    }
}

fn level(metadata: &Metadata<'_>) -> Level {
    match *metadata.level() {
        tracing_core::Level::ERROR => Level::Error,
        tracing_core::Level::WARN => Level::Warning,
        tracing_core::Level::INFO => Level::Info,
        _ => Level::Debug,
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for SentinelLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let level = level(event.metadata());
        let action = Action::of(level);
        // The SDK's own libraries trace too, on its own thread.
        if action == Action::Ignore || !is_reporting() || crate::client::is_own_thread() {
            return;
        }
        let mut fields = Fields::default();
        event.record(&mut fields);
        let target = event.metadata().target();
        if action == Action::Step {
            let crumb = Breadcrumb {
                category: Some(target.to_owned()),
                message: fields.message,
                level: Some(level),
                data: fields.data,
                ..Breadcrumb::default()
            };
            return crate::add_breadcrumb(crumb);
        }
        let mut alert = if fields.chain.is_empty() {
            Alert::text(fields.message.take().unwrap_or_else(|| event.metadata().name().to_owned()))
        } else {
            Alert::new(std::mem::take(&mut fields.chain))
        };
        if let Some(message) = fields.message {
            alert.extra("message", message);
        }
        for (name, value) in fields.data.0 {
            alert.extra(name, value);
        }
        alert.of_logger(level, target);
        describe(&mut alert, event, &context);
        crate::client::send(|| alert);
    }
}

/// Adds the spans that an event happened in.
fn describe<S: Subscriber + for<'a> LookupSpan<'a>>(
    alert: &mut Alert,
    event: &Event<'_>,
    context: &Context<'_, S>,
) {
    let mut spans = Object::default();
    for span in context.event_scope(event).into_iter().flatten().take(SPANS) {
        let extensions = span.extensions();
        let data = extensions.get::<Fields>().map(|fields| fields.data.clone()).unwrap_or_default();
        if let Some(trace) = trace_of(&data) {
            alert.context("trace", trace);
        }
        // The last one is the outermost.
        alert.event.transaction = Some(span.name().to_owned());
        spans.set(span.name(), data);
    }
    if !spans.0.is_empty() {
        alert.context("spans", spans);
    }
}

/// The trace that a span names.
fn trace_of(data: &Object) -> Option<Object> {
    if let Some(header) = data.get("traceparent").and_then(Value::as_str) {
        return Trace::parse(header).map(|trace| trace.context());
    }
    let id = data.get("trace_id").and_then(Value::as_str)?;
    let mut trace = Object::default();
    trace.set("trace_id", TraceId::parse(id).ok()?.to_string());
    Some(trace)
}
