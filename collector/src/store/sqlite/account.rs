//! Accounts in SQLite.

use error_sentinel_wire::UnixMs;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::SqliteStore;
use crate::store::Result;
use crate::store::account::{Account, AccountId, Accounts, Link, SecretHash, Token, TokenId};

const ACCOUNT: &str =
    "SELECT account.id, account.email, account.password_hash, account.created_at FROM account";

impl Accounts for SqliteStore {
    fn needs_setup(&self) -> Result<bool> {
        self.read(is_empty)
    }

    fn accounts(&self) -> Result<Vec<Account>> {
        self.read(|conn| {
            let mut statement = conn.prepare_cached(&format!("{ACCOUNT} ORDER BY email"))?;
            Ok(statement.query_map([], account)?.collect::<rusqlite::Result<_>>()?)
        })
    }

    fn find_account(&self, email: &str) -> Result<Option<Account>> {
        self.read(|conn| find(conn, email))
    }

    fn set_password(&self, email: &str, password_hash: &str, now: UnixMs) -> Result<Account> {
        self.write(|tx| set_password(tx, email, password_hash, now))
    }

    fn add_link(&self, hash: &SecretHash, link: &Link, now: UnixMs) -> Result<()> {
        self.write(|tx| {
            tx.execute("DELETE FROM link WHERE email IS ?1", [&link.email])?;
            tx.execute(
                "INSERT INTO link (hash, email, created_at) VALUES (?1, ?2, ?3)",
                params![hash, link.email, now.0],
            )?;
            Ok(())
        })
    }

    fn find_link(&self, hash: &SecretHash) -> Result<Option<Link>> {
        self.read(|conn| good_link(conn, hash))
    }

    fn use_link(
        &self,
        hash: &SecretHash,
        email: &str,
        password_hash: &str,
        now: UnixMs,
    ) -> Result<Option<Account>> {
        self.write(|tx| {
            let Some(link) = good_link(tx, hash)? else { return Ok(None) };
            tx.execute("DELETE FROM link WHERE hash = ?1", [hash])?;
            let email = link.email.as_deref().unwrap_or(email);
            set_password(tx, email, password_hash, now).map(Some)
        })
    }

    fn add_session(&self, hash: &SecretHash, account: AccountId, expires_at: UnixMs) -> Result<()> {
        self.write(|tx| {
            tx.execute(
                "INSERT INTO session (hash, account_id, expires_at) VALUES (?1, ?2, ?3)",
                params![hash, account.0, expires_at.0],
            )?;
            Ok(())
        })
    }

    fn find_session(&self, hash: &SecretHash, now: UnixMs) -> Result<Option<Account>> {
        self.read(|conn| {
            let sql = format!(
                "{ACCOUNT} JOIN session ON session.account_id = account.id
                 WHERE session.hash = ?1 AND session.expires_at > ?2"
            );
            Ok(conn.prepare_cached(&sql)?.query_row(params![hash, now.0], account).optional()?)
        })
    }

    fn end_session(&self, hash: &SecretHash, now: UnixMs) -> Result<()> {
        self.write(|tx| {
            tx.execute("DELETE FROM session WHERE hash = ?1 OR expires_at <= ?2", params![hash, now.0])?;
            Ok(())
        })
    }

    fn add_token(&self, name: &str, hash: &SecretHash, now: UnixMs) -> Result<()> {
        self.write(|tx| {
            tx.execute(
                "INSERT INTO token (hash, name, created_at) VALUES (?1, ?2, ?3)",
                params![hash, name, now.0],
            )?;
            Ok(())
        })
    }

    fn tokens(&self) -> Result<Vec<Token>> {
        self.read(|conn| {
            let mut statement =
                conn.prepare_cached("SELECT id, name, created_at FROM token ORDER BY id DESC")?;
            let rows = statement.query_map([], |row| {
                Ok(Token { id: TokenId(row.get(0)?), name: row.get(1)?, created_at: UnixMs(row.get(2)?) })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    fn admits_token(&self, hash: &SecretHash) -> Result<bool> {
        self.read(|conn| Ok(conn.prepare_cached("SELECT 1 FROM token WHERE hash = ?1")?.exists([hash])?))
    }

    fn revoke_token(&self, id: TokenId) -> Result<bool> {
        self.write(|tx| Ok(tx.execute("DELETE FROM token WHERE id = ?1", [id.0])? > 0))
    }
}

fn is_empty(conn: &Connection) -> Result<bool> {
    let mut statement = conn.prepare_cached("SELECT NOT EXISTS (SELECT 1 FROM account)")?;
    Ok(statement.query_row([], |row| row.get(0))?)
}

fn account(row: &Row<'_>) -> rusqlite::Result<Account> {
    Ok(Account {
        id: AccountId(row.get(0)?),
        email: row.get(1)?,
        password_hash: row.get(2)?,
        created_at: UnixMs(row.get(3)?),
    })
}

fn find(conn: &Connection, email: &str) -> Result<Option<Account>> {
    let mut statement = conn.prepare_cached(&format!("{ACCOUNT} WHERE email = ?1"))?;
    Ok(statement.query_row([email], account).optional()?)
}

fn set_password(conn: &Connection, email: &str, password_hash: &str, now: UnixMs) -> Result<Account> {
    let account = conn.query_row(
        "INSERT INTO account (email, password_hash, created_at) VALUES (?1, ?2, ?3)
         ON CONFLICT (email) DO UPDATE SET password_hash = excluded.password_hash
         RETURNING id, email, password_hash, created_at",
        params![email, password_hash, now.0],
        account,
    )?;
    conn.execute("DELETE FROM session WHERE account_id = ?1", [account.id.0])?;
    Ok(account)
}

fn good_link(conn: &Connection, hash: &SecretHash) -> Result<Option<Link>> {
    let mut statement = conn.prepare_cached("SELECT email FROM link WHERE hash = ?1")?;
    let found = statement.query_row([hash], |row| Ok(Link { email: row.get(0)? })).optional()?;
    match found {
        Some(Link { email: None }) if !is_empty(conn)? => Ok(None),
        found => Ok(found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMs = UnixMs(1_800_000_000_000);

    fn store() -> (tempfile::TempDir, SqliteStore) {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("store.db")).unwrap();
        (folder, store)
    }

    #[test]
    fn the_first_link_makes_the_first_account_once() {
        let (_folder, store) = store();
        assert!(store.needs_setup().unwrap());
        store.add_link(&[1; 32], &Link { email: None }, NOW).unwrap();
        store.add_link(&[2; 32], &Link { email: None }, NOW).unwrap();
        assert_eq!(store.find_link(&[1; 32]).unwrap(), None, "a newer link replaces it");
        let account = store.use_link(&[2; 32], "ada@example.com", "hash", NOW).unwrap().unwrap();
        assert_eq!(account.email, "ada@example.com");
        assert_eq!(store.use_link(&[2; 32], "eve@example.com", "hash", NOW).unwrap(), None);
        assert!(!store.needs_setup().unwrap());
        store.add_link(&[3; 32], &Link { email: None }, NOW).unwrap();
        assert_eq!(store.use_link(&[3; 32], "eve@example.com", "hash", NOW).unwrap(), None);
        assert_eq!(store.accounts().unwrap().len(), 1);
    }

    #[test]
    fn a_link_for_somebody_sets_nobody_elses_password() {
        let (_folder, store) = store();
        store.add_link(&[1; 32], &Link { email: Some("bob@example.com".into()) }, NOW).unwrap();
        let account = store.use_link(&[1; 32], "ada@example.com", "hash", NOW).unwrap().unwrap();
        assert_eq!(account.email, "bob@example.com");
    }

    #[test]
    fn sessions_expire_end_and_do_not_outlive_a_password() {
        let (_folder, store) = store();
        let account = store.set_password("ada@example.com", "one", NOW).unwrap();
        for hash in [[1; 32], [2; 32]] {
            store.add_session(&hash, account.id, NOW.plus_ms(10)).unwrap();
        }
        assert_eq!(store.find_session(&[1; 32], NOW.plus_ms(9)).unwrap(), Some(account.clone()));
        assert_eq!(store.find_session(&[1; 32], NOW.plus_ms(10)).unwrap(), None);
        store.end_session(&[1; 32], NOW).unwrap();
        assert_eq!(store.find_session(&[1; 32], NOW).unwrap(), None);
        let again = store.set_password("ADA@example.com", "two", NOW).unwrap();
        assert_eq!((again.id, again.password_hash.as_str()), (account.id, "two"));
        assert_eq!(store.find_session(&[2; 32], NOW).unwrap(), None);
    }

    #[test]
    fn a_token_admits_until_it_is_revoked() {
        let (_folder, store) = store();
        store.add_token("ci", &[7; 32], NOW).unwrap();
        assert!(store.admits_token(&[7; 32]).unwrap());
        assert!(!store.admits_token(&[8; 32]).unwrap());
        let token = store.tokens().unwrap().remove(0);
        assert_eq!(token.name, "ci");
        assert!(store.revoke_token(token.id).unwrap());
        assert!(!store.revoke_token(token.id).unwrap());
        assert!(!store.admits_token(&[7; 32]).unwrap());
    }
}
