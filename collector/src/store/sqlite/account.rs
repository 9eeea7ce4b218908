//! Accounts in SQLite.

use error_sentinel_wire::UnixMs;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::SqliteStore;
use crate::store::account::{Account, AccountId, Accounts, Link, SecretHash, Token, TokenId};
use crate::store::{Result, StoreError};

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

    fn remove_account(&self, email: &str) -> Result<bool> {
        self.write(|tx| {
            let Some(account) = find(tx, email)? else { return Ok(false) };
            tx.execute("DELETE FROM session WHERE account_id = ?1", [account.id.0])?;
            tx.execute("DELETE FROM link WHERE email = ?1 COLLATE NOCASE", [&account.email])?;
            tx.execute("DELETE FROM account WHERE id = ?1", [account.id.0])?;
            if is_empty(tx)? {
                let reason = format!("{email} is the only account; add another before you remove it");
                return Err(StoreError::Conflict(reason));
            }
            Ok(true)
        })
    }

    fn add_link(&self, hash: &SecretHash, link: &Link, expires_at: Option<UnixMs>) -> Result<()> {
        self.write(|tx| {
            tx.execute("DELETE FROM link WHERE email IS ?1", [&link.email])?;
            tx.execute(
                "INSERT INTO link (hash, email, expires_at) VALUES (?1, ?2, ?3)",
                params![hash, link.email, expires_at.map(|at| at.0)],
            )?;
            Ok(())
        })
    }

    fn find_link(&self, hash: &SecretHash, now: UnixMs) -> Result<Option<Link>> {
        self.read(|conn| good_link(conn, hash, now))
    }

    fn use_link(
        &self,
        hash: &SecretHash,
        email: &str,
        password_hash: &str,
        now: UnixMs,
    ) -> Result<Option<Account>> {
        self.write(|tx| {
            let Some(link) = good_link(tx, hash, now)? else { return Ok(None) };
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

fn good_link(conn: &Connection, hash: &SecretHash, now: UnixMs) -> Result<Option<Link>> {
    let sql = "SELECT email FROM link WHERE hash = ?1 AND (expires_at IS NULL OR expires_at > ?2)";
    let mut statement = conn.prepare_cached(sql)?;
    let found =
        statement.query_row(params![hash, now.0], |row| Ok(Link { email: row.get(0)? })).optional()?;
    match found {
        Some(Link { email: None }) if !is_empty(conn)? => Ok(None),
        found => Ok(found),
    }
}
