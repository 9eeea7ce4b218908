//! What just changed, for pages that are open. Nothing depends on a change being heard: a page that missed
//! one reads the store.

use error_sentinel_wire::ProjectId;
use tokio::sync::{broadcast, watch};

use crate::store::IssueId;

/// An issue that changed: new events, another status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// Its project.
    pub project_id: ProjectId,
    /// The issue.
    pub issue_id: IssueId,
}

/// Carries changes from the stages that make them to the pages that show them.
#[derive(Debug, Clone)]
pub struct Feed {
    sender: broadcast::Sender<Change>,
    closing: watch::Sender<bool>,
}

impl Default for Feed {
    fn default() -> Self {
        // A page that falls further behind than this reloads its list instead.
        Feed { sender: broadcast::channel(1024).0, closing: watch::Sender::new(false) }
    }
}

impl Feed {
    /// Tells every open page.
    pub fn publish(&self, change: Change) {
        // An error only says that no page is open.
        let _ = self.sender.send(change);
    }

    /// Listens from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Change> {
        self.sender.subscribe()
    }
    /// Ends every live page's connection, which would otherwise keep the collector from stopping.
    pub fn close(&self) {
        self.closing.send_replace(true);
    }

    /// Ready once [`Feed::close`] was called.
    pub fn closed(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut closing = self.closing.subscribe();
        async move {
            // An error means that the feed is gone, which is closed too.
            let _ = closing.wait_for(|closing| *closing).await;
        }
    }
}
