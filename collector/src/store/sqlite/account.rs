//! Accounts in SQLite.

use super::SqliteStore;
use crate::store::Result;
use crate::store::account::Accounts;

impl Accounts for SqliteStore {
    fn needs_setup(&self) -> Result<bool> {
        self.read(|conn| {
            let mut statement = conn.prepare_cached("SELECT NOT EXISTS (SELECT 1 FROM account)")?;
            Ok(statement.query_row([], |row| row.get(0))?)
        })
    }
}
