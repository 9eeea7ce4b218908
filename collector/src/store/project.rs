//! Projects, their keys and who is told about their issues.

use error_sentinel_wire::{ProjectId, PublicKey, UnixMs};

use super::Result;

/// One application or service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// Decimal on the wire.
    pub id: ProjectId,
    /// Unique.
    pub name: String,
    /// When it was made.
    pub created_at: UnixMs,
}

/// A key that admits events to a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectKey {
    /// The key.
    pub public_key: PublicKey,
    /// The project it admits to.
    pub project_id: ProjectId,
    /// What it is for.
    pub label: String,
    /// When it was made.
    pub created_at: UnixMs,
    /// When it stopped admitting.
    pub revoked_at: Option<UnixMs>,
}

/// Use cases of projects.
pub trait Projects {
    /// All projects by id.
    ///
    /// # Errors
    /// As every use case: [`super::StoreError`].
    fn projects(&self) -> Result<Vec<Project>>;
    /// Makes a project with its first key (`public_key` is random, from the caller).
    ///
    /// # Errors
    /// [`super::StoreError::Conflict`] when the name is taken.
    fn create_project(&self, name: &str, public_key: PublicKey, now: UnixMs) -> Result<Project>;
    /// The keys of a project, oldest first, revoked ones too.
    ///
    /// # Errors
    /// As every use case.
    fn project_keys(&self, project_id: ProjectId) -> Result<Vec<ProjectKey>>;
    /// Looks up a key that is not revoked.
    ///
    /// # Errors
    /// As every use case.
    fn find_key(&self, public_key: PublicKey) -> Result<Option<ProjectKey>>;
    /// Adds a key to a project.
    ///
    /// # Errors
    /// As every use case.
    fn add_key(&self, project_id: ProjectId, public_key: PublicKey, label: &str, now: UnixMs) -> Result<()>;
    /// Revokes a key; says whether there was one to revoke.
    ///
    /// # Errors
    /// As every use case.
    fn revoke_key(&self, public_key: PublicKey, now: UnixMs) -> Result<bool>;
    /// Mail addresses that are told about this project's issues; empty means the collector's default.
    ///
    /// # Errors
    /// As every use case.
    fn recipients(&self, project_id: ProjectId) -> Result<Vec<String>>;
    /// Replaces them.
    ///
    /// # Errors
    /// As every use case.
    fn set_recipients(&self, project_id: ProjectId, addresses: &[String]) -> Result<()>;
}
