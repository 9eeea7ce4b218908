//! What alerts of one piece of work have in common: labels, the user, the request, and its own steps.
//!
//! A program has one scope for everything, and as many on top as it opens: for a request, a job, a task. What an
//! alert says itself wins over the innermost scope, and that one over those around it. A scope is plain data and
//! knows neither threads nor locks; who is in which scope is the driver's business.

use alloc::string::String;
use alloc::vec::Vec;

use error_sentinel_wire::{Event, Object, Request, User, Value, limits};

#[cfg(feature = "std")]
use crate::breadcrumbs::Ring;
use crate::trace::Trace;

/// Most contexts of one scope.
const CONTEXTS: usize = 32;

/// What alerts of one piece of work have in common.
///
/// ```
/// use error_sentinel::{Scope, User};
///
/// let user = User { id: Some("4711".into()), ..User::default() };
/// error_sentinel::with_scope(
///     |scope| {
///         scope.set_user(Some(user)).set_tag("queue", "mail").set_transaction("send newsletter");
///     },
///     || error_sentinel::send_alert("the mail server is away"),
/// );
/// ```
#[derive(Debug, Clone, Default)]
pub struct Scope {
    tags: Vec<(String, String)>,
    user: Option<User>,
    contexts: Object,
    transaction: Option<String>,
    request: Option<Request>,
    pub(crate) trace: Option<Trace>,
    /// Steps of this work only.
    #[cfg(feature = "std")]
    pub(crate) ring: Ring,
}

impl Scope {
    /// A scope that says nothing yet.
    pub fn new() -> Scope {
        Scope::default()
    }

    /// Labels every alert. A value replaces an earlier one; past [`limits::TAGS`], new keys are ignored.
    pub fn set_tag(&mut self, key: impl Into<String>, value: impl Into<String>) -> &mut Scope {
        let (mut key, mut value) = (key.into(), value.into());
        limits::cut(&mut key, limits::TAG_KEY_BYTES);
        limits::cut(&mut value, limits::TAG_VALUE_BYTES);
        if let Some((_, old)) = self.tags.iter_mut().find(|(name, _)| *name == key) {
            *old = value;
        } else if self.tags.len() < limits::TAGS {
            self.tags.push((key, value));
        }
        self
    }

    /// Says whose work it is; `None` when nobody's.
    pub fn set_user(&mut self, user: Option<User>) -> &mut Scope {
        self.user = user;
        self
    }

    /// Adds a named set of facts, such as `device` or one of the application's own.
    pub fn set_context(&mut self, name: &str, facts: impl Into<Value>) -> &mut Scope {
        if self.contexts.get(name).is_some() || self.contexts.0.len() < CONTEXTS {
            let mut facts = facts.into();
            crate::fit::fit_value(&mut facts, crate::fit::SMALL_MAP_BYTES);
            self.contexts.set(name, facts);
        }
        self
    }

    /// Names the work: the route, the job, the screen.
    pub fn set_transaction(&mut self, name: impl Into<String>) -> &mut Scope {
        self.transaction = Some(name.into());
        self
    }

    /// Says which request is being answered.
    pub fn set_request(&mut self, request: Request) -> &mut Scope {
        self.request = Some(request);
        self
    }

    /// Says which trace the work belongs to, so that errors of one request are found in all services.
    pub fn set_trace(&mut self, trace: Trace) -> &mut Scope {
        self.trace = Some(trace);
        self
    }

    /// Adds to an event what it does not say itself.
    pub fn apply(&self, event: &mut Event) {
        for (key, value) in &self.tags {
            if event.tag(key).is_none() {
                event.tags.push((key.clone(), value.clone()));
            }
        }
        if event.user.is_none() {
            event.user.clone_from(&self.user);
        }
        if event.transaction.is_none() {
            event.transaction.clone_from(&self.transaction);
        }
        if event.request.is_none() {
            event.request.clone_from(&self.request);
        }
        if let Some(trace) = self.trace.filter(|_| event.contexts.get("trace").is_none()) {
            event.contexts.set("trace", trace.context());
        }
        for (name, facts) in &self.contexts.0 {
            if event.contexts.get(name).is_none() {
                event.contexts.set(name, facts.clone());
            }
        }
    }

    /// Everything that `outer` says and this scope does not, steps aside.
    #[cfg(feature = "std")]
    pub(crate) fn inherit(&mut self, outer: &Scope) {
        let has = |tags: &[(String, String)], key: &str| tags.iter().any(|(name, _)| name == key);
        let tags = outer.tags.iter().filter(|(key, _)| !has(&self.tags, key)).cloned();
        let tags: Vec<_> = tags.collect();
        self.tags.extend(tags);
        for (name, facts) in &outer.contexts.0 {
            if self.contexts.get(name).is_none() {
                self.contexts.set(name, facts.clone());
            }
        }
        if self.user.is_none() {
            self.user.clone_from(&outer.user);
        }
        if self.transaction.is_none() {
            self.transaction.clone_from(&outer.transaction);
        }
        if self.request.is_none() {
            self.request.clone_from(&outer.request);
        }
        self.trace = self.trace.or(outer.trace);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn what_the_event_says_wins_and_the_inner_scope_wins_over_the_outer() {
        let (mut outer, mut inner) = (Scope::new(), Scope::new());
        outer.set_tag("shop", "berlin").set_tag("shelf", "3").set_transaction("outer");
        inner.set_tag("shop", "paris").set_tag("shop", "rome").set_context("cart", 7u32);
        let mut event = Event { transaction: Some("own".into()), ..Event::default() };
        inner.apply(&mut event);
        outer.apply(&mut event);
        assert_eq!((event.tag("shop"), event.tag("shelf")), (Some("rome"), Some("3")));
        assert_eq!(event.transaction.as_deref(), Some("own"));
        assert_eq!(event.contexts.get("cart"), Some(&Value::Int(7)));
        inner.inherit(&outer);
        let mut same = Event { transaction: Some("own".into()), ..Event::default() };
        inner.apply(&mut same);
        assert_eq!(same, event);
    }

    #[test]
    fn a_scope_does_not_grow_without_end() {
        let mut scope = Scope::new();
        for n in 0..1000 {
            scope.set_tag(format!("tag {n}"), "x".repeat(1000)).set_context(&format!("context {n}"), "x");
        }
        assert_eq!((scope.tags.len(), scope.contexts.0.len()), (limits::TAGS, CONTEXTS));
        assert!(scope.tags.iter().all(|(_, value)| value.len() <= limits::TAG_VALUE_BYTES));
    }
}
