-- Owner: the alert stage.

-- A mail that was decided: about one issue, or a digest. The budget of a project is counted from these rows.
CREATE TABLE mail (
    id         INTEGER PRIMARY KEY,
    project_id INTEGER NOT NULL,
    is_digest  INTEGER NOT NULL,
    planned_at INTEGER NOT NULL
) STRICT;
CREATE INDEX mail_project ON mail(project_id, planned_at);

CREATE TABLE alarm (
    id              INTEGER PRIMARY KEY,
    project_id      INTEGER NOT NULL,
    issue_id        INTEGER NOT NULL REFERENCES issue(id),
    event_id        BLOB    NOT NULL,
    kind            TEXT    NOT NULL, -- new, regressed, critical, unmuted
    state           TEXT    NOT NULL, -- waiting, sending, sent, dead, cancelled
    mail_id         INTEGER REFERENCES mail(id), -- NULL until a mail was decided
    created_at      INTEGER NOT NULL,
    next_attempt_at INTEGER NOT NULL,
    attempted_at    INTEGER,          -- the last try; later than now only after the clock was set back
    attempt_count   INTEGER NOT NULL DEFAULT 0,
    lease_until     INTEGER,
    error           TEXT,
    delivered_to    TEXT    NOT NULL DEFAULT '[]', -- JSON: addresses
    refused         TEXT    NOT NULL DEFAULT '[]'  -- JSON: [address, reason] of those that will never take it
) STRICT;
CREATE INDEX alarm_due       ON alarm(next_attempt_at, id) WHERE state = 'waiting' AND mail_id IS NOT NULL;
CREATE INDEX alarm_unplanned ON alarm(project_id, id) WHERE state = 'waiting' AND mail_id IS NULL;
CREATE INDEX alarm_leased    ON alarm(lease_until) WHERE state = 'sending';
CREATE INDEX alarm_open      ON alarm(issue_id) WHERE state IN ('waiting', 'sending');
CREATE INDEX alarm_state     ON alarm(state, id);
CREATE INDEX alarm_mail      ON alarm(mail_id) WHERE mail_id IS NOT NULL;

-- The first mail about an issue to a recipient, which later ones answer, so that mail programs show one thread.
CREATE TABLE mail_thread (
    issue_id   INTEGER NOT NULL,
    recipient  TEXT    NOT NULL,
    message_id TEXT    NOT NULL,
    PRIMARY KEY (issue_id, recipient)
) STRICT, WITHOUT ROWID;

-- What was set through the dashboard.
CREATE TABLE setting (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL -- JSON
) STRICT, WITHOUT ROWID;
