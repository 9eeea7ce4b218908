//! Projects in SQLite.

use error_sentinel_wire::{ProjectId, PublicKey, UnixMs};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::SqliteStore;
use crate::store::project::{Project, ProjectKey, Projects};
use crate::store::{Result, StoreError};

/// Label of the key that a project is made with.
const FIRST_KEY: &str = "default";

impl Projects for SqliteStore {
    fn projects(&self) -> Result<Vec<Project>> {
        self.read(|conn| {
            let mut statement =
                conn.prepare_cached("SELECT id, name, created_at FROM project ORDER BY id")?;
            let rows = statement.query_map([], |row| {
                Ok(Project { id: ProjectId(row.get(0)?), name: row.get(1)?, created_at: UnixMs(row.get(2)?) })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    fn create_project(&self, name: &str, public_key: PublicKey, now: UnixMs) -> Result<Project> {
        self.write(|tx| {
            let taken = "SELECT EXISTS (SELECT 1 FROM project WHERE name = ?1)";
            if tx.query_row(taken, [name], |row| row.get(0))? {
                return Err(StoreError::Conflict(format!("there is a project named {name:?} already")));
            }
            tx.execute("INSERT INTO project (name, created_at) VALUES (?1, ?2)", params![name, now.0])?;
            let id = u32::try_from(tx.last_insert_rowid())
                .map_err(|_| StoreError::Conflict("there are too many projects".into()))?;
            insert_key(tx, ProjectId(id), public_key, FIRST_KEY, now)?;
            Ok(Project { id: ProjectId(id), name: name.to_owned(), created_at: now })
        })
    }

    fn project_keys(&self, project_id: ProjectId) -> Result<Vec<ProjectKey>> {
        self.read(|conn| {
            let mut statement = conn.prepare_cached(
                "SELECT public_key, project_id, label, created_at, revoked_at FROM project_key
                 WHERE project_id = ?1 ORDER BY created_at, public_key",
            )?;
            let rows = statement.query_map([project_id.0], read_key)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    fn find_key(&self, public_key: PublicKey) -> Result<Option<ProjectKey>> {
        self.read(|conn| {
            let mut statement = conn.prepare_cached(
                "SELECT public_key, project_id, label, created_at, revoked_at FROM project_key
                 WHERE public_key = ?1 AND revoked_at IS NULL",
            )?;
            Ok(statement.query_row([public_key.0.to_be_bytes()], read_key).optional()?)
        })
    }

    fn add_key(&self, project_id: ProjectId, public_key: PublicKey, label: &str, now: UnixMs) -> Result<()> {
        self.write(|tx| {
            let known = "SELECT EXISTS (SELECT 1 FROM project WHERE id = ?1)";
            if !tx.query_row(known, [project_id.0], |row| row.get::<_, bool>(0))? {
                return Err(StoreError::Conflict(format!("there is no project {project_id}")));
            }
            insert_key(tx, project_id, public_key, label, now)
        })
    }

    fn revoke_key(&self, public_key: PublicKey, now: UnixMs) -> Result<bool> {
        self.write(|tx| {
            let changed = tx.execute(
                "UPDATE project_key SET revoked_at = ?2 WHERE public_key = ?1 AND revoked_at IS NULL",
                params![public_key.0.to_be_bytes(), now.0],
            )?;
            Ok(changed > 0)
        })
    }

    fn recipients(&self, project_id: ProjectId) -> Result<Vec<String>> {
        self.read(|conn| {
            let mut statement =
                conn.prepare_cached("SELECT address FROM recipient WHERE project_id = ?1 ORDER BY address")?;
            let rows = statement.query_map([project_id.0], |row| row.get(0))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    fn set_recipients(&self, project_id: ProjectId, addresses: &[String]) -> Result<()> {
        self.write(|tx| {
            tx.execute("DELETE FROM recipient WHERE project_id = ?1", [project_id.0])?;
            let mut insert =
                tx.prepare_cached("INSERT OR IGNORE INTO recipient (project_id, address) VALUES (?1, ?2)")?;
            for address in addresses {
                insert.execute(params![project_id.0, address])?;
            }
            Ok(())
        })
    }
}

fn insert_key(
    conn: &Connection,
    project_id: ProjectId,
    public_key: PublicKey,
    label: &str,
    now: UnixMs,
) -> Result<()> {
    let inserted = conn.execute(
        "INSERT OR IGNORE INTO project_key (public_key, project_id, label, created_at) VALUES (?1, ?2, ?3, ?4)",
        params![public_key.0.to_be_bytes(), project_id.0, label, now.0],
    )?;
    if inserted == 0 {
        return Err(StoreError::Conflict("the key is in use already".into()));
    }
    Ok(())
}

fn read_key(row: &Row<'_>) -> rusqlite::Result<ProjectKey> {
    Ok(ProjectKey {
        public_key: PublicKey(u128::from_be_bytes(row.get(0)?)),
        project_id: ProjectId(row.get(1)?),
        label: row.get(2)?,
        created_at: UnixMs(row.get(3)?),
        revoked_at: row.get::<_, Option<i64>>(4)?.map(UnixMs),
    })
}
