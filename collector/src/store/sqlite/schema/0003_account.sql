CREATE TABLE account (
    id            INTEGER PRIMARY KEY,
    email         TEXT    NOT NULL UNIQUE COLLATE NOCASE,
    password_hash TEXT    NOT NULL, -- argon2id, in PHC form
    created_at    INTEGER NOT NULL
) STRICT;

-- What is secret is kept as SHA-256 only: who reads the file cannot sign in with it.
CREATE TABLE session (
    hash       BLOB    PRIMARY KEY,
    account_id INTEGER NOT NULL REFERENCES account(id),
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX session_account ON session(account_id);
CREATE INDEX session_expiry  ON session(expires_at);

CREATE TABLE token (
    id           INTEGER PRIMARY KEY,
    hash         BLOB    NOT NULL UNIQUE,
    name         TEXT    NOT NULL,
    created_at   INTEGER NOT NULL
) STRICT;

-- One-time links: for the first account (email is NULL), or to choose a password.
CREATE TABLE link (
    hash       BLOB    PRIMARY KEY,
    email      TEXT,
    expires_at INTEGER -- NULL: good until used
) STRICT, WITHOUT ROWID;
