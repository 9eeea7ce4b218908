//! What just changed, for pages that are open. Nothing depends on a change being heard: a page that missed
//! one reads the store.

use error_sentinel_wire::ProjectId;
use tokio::sync::broadcast;

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
}

impl Default for Feed {
    fn default() -> Self {
        // A page that falls further behind than this reloads its list instead.
        Feed { sender: broadcast::channel(1024).0 }
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
}
