//! Futures that carry their scope: from thread to thread, in it whenever they are polled and never else.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::client::scopes;
use crate::scope::Scope;

pin_project! {
    /// A future in a scope of its own; made by [`InScope::in_scope`].
    #[derive(Debug)]
    #[must_use = "a future does nothing unless it is polled"]
    pub struct ScopedFuture<F> {
        #[pin]
        future: F,
        scope: Option<Box<Scope>>,
    }
}

impl<F: Future> Future for ScopedFuture<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let Some(scope) = this.scope.take() else { return this.future.poll(cx) };
        let entered = scopes::enter(scope);
        let poll = this.future.poll(cx);
        *this.scope = entered.leave();
        poll
    }
}

/// Puts futures into scopes.
pub trait InScope: Future + Sized {
    /// The future, in this scope whenever it is polled. What it sets, and the steps it leaves, stay with it.
    ///
    /// ```
    /// use error_sentinel::{InScope, Scope};
    ///
    /// async fn serve(order: u32) {
    ///     error_sentinel::add_breadcrumb("order read");
    ///     error_sentinel::set_tag("order", order.to_string());
    ///     error_sentinel::send_alert("the shelf is empty");
    /// }
    ///
    /// // What holds where it is spawned holds in the task too.
    /// let task = serve(7).in_scope(Scope::current());
    /// # drop(task);
    /// ```
    fn in_scope(self, scope: Scope) -> ScopedFuture<Self> {
        ScopedFuture { future: self, scope: Some(Box::new(scope)) }
    }
}

impl<F: Future> InScope for F {}
