-- Owner: the alert stage.
CREATE TABLE alarm (
    id              INTEGER PRIMARY KEY,
    project_id      INTEGER NOT NULL,
    issue_id        INTEGER NOT NULL REFERENCES issue(id),
    event_id        BLOB    NOT NULL,
    kind            TEXT    NOT NULL, -- new, regressed, critical, unmuted
    state           TEXT    NOT NULL, -- waiting, sending, sent, dead, cancelled
    created_at      INTEGER NOT NULL,
    next_attempt_at INTEGER NOT NULL,
    attempt_count   INTEGER NOT NULL DEFAULT 0,
    lease_until     INTEGER,
    error           TEXT,
    delivered_to    TEXT    NOT NULL DEFAULT '[]'
) STRICT;
CREATE INDEX alarm_due   ON alarm(next_attempt_at, id) WHERE state = 'waiting';
CREATE INDEX alarm_open  ON alarm(issue_id) WHERE state IN ('waiting', 'sending');
CREATE INDEX alarm_state ON alarm(state, id);
