-- Times are milliseconds since 1970, ids of events and traces 16 bytes, levels 0 (debug) to 4 (fatal).

CREATE TABLE project (
    id         INTEGER PRIMARY KEY,
    name       TEXT    NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE project_key (
    public_key BLOB    PRIMARY KEY,
    project_id INTEGER NOT NULL REFERENCES project(id),
    label      TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX project_key_project ON project_key(project_id);

CREATE TABLE recipient (
    project_id INTEGER NOT NULL REFERENCES project(id),
    address    TEXT    NOT NULL,
    PRIMARY KEY (project_id, address)
) STRICT, WITHOUT ROWID;

CREATE TABLE issue (
    id            INTEGER PRIMARY KEY,
    project_id    INTEGER NOT NULL REFERENCES project(id),
    title         TEXT    NOT NULL,
    type          TEXT    NOT NULL,
    value         TEXT    NOT NULL,
    culprit       TEXT    NOT NULL,
    platform      TEXT    NOT NULL,
    fingerprint   TEXT    NOT NULL,
    level         INTEGER NOT NULL,
    status        INTEGER NOT NULL DEFAULT 0, -- 0 unresolved, 1 resolved, 2 ignored
    regressed     INTEGER NOT NULL DEFAULT 0,
    ignored_until INTEGER,
    last_alarm_at INTEGER,
    event_count   INTEGER NOT NULL DEFAULT 0, -- errors, storms in full; never falls
    stored_count  INTEGER NOT NULL DEFAULT 0, -- events with a payload
    user_count    INTEGER NOT NULL DEFAULT 0,
    first_seen    INTEGER NOT NULL,
    last_seen     INTEGER NOT NULL,
    first_release TEXT,
    last_release  TEXT,
    richest_sequence INTEGER,                -- the event that tells most; never evicted
    richness         INTEGER NOT NULL DEFAULT -1 -- how much it tells
) STRICT;
CREATE INDEX issue_recent         ON issue(last_seen DESC, id DESC);
CREATE INDEX issue_status_recent  ON issue(status, last_seen DESC, id DESC);
CREATE INDEX issue_project_recent ON issue(project_id, last_seen DESC, id DESC);
CREATE INDEX issue_project_status_recent ON issue(project_id, status, last_seen DESC, id DESC);

-- Many hashes lead to one issue: every key of every event that joined it.
CREATE TABLE issue_group (
    project_id INTEGER NOT NULL,
    hash       BLOB    NOT NULL,
    issue_id   INTEGER NOT NULL REFERENCES issue(id),
    PRIMARY KEY (project_id, hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX issue_group_issue ON issue_group(issue_id);

-- The row outlives the payload by at least seven days, so that a late retry is not counted twice.
CREATE TABLE event (
    sequence         INTEGER PRIMARY KEY,
    event_id         BLOB    NOT NULL,
    project_id       INTEGER NOT NULL,
    issue_id         INTEGER NOT NULL REFERENCES issue(id),
    received_at      INTEGER NOT NULL,
    timestamp        INTEGER,
    skew_ms          INTEGER,
    occurrence_count INTEGER NOT NULL,
    level            INTEGER NOT NULL,
    richness         INTEGER NOT NULL,
    has_payload      INTEGER NOT NULL,
    release          TEXT,
    environment      TEXT,
    app              TEXT,
    user             TEXT,
    trace_id         BLOB,
    UNIQUE (event_id, project_id)
) STRICT;
CREATE INDEX event_issue ON event(issue_id, sequence);
CREATE INDEX event_stored  ON event(issue_id, sequence) WHERE has_payload = 1;
CREATE INDEX event_evicted ON event(received_at) WHERE has_payload = 0;
CREATE INDEX event_trace ON event(trace_id, sequence) WHERE trace_id IS NOT NULL;

CREATE TABLE payload (
    sequence INTEGER PRIMARY KEY REFERENCES event(sequence),
    body     BLOB NOT NULL, -- zstd of the scrubbed JSON
    grouping BLOB NOT NULL  -- why the event belongs to its issue
) STRICT;

-- Errors per issue by time of arrival: 5-minute buckets, folded into hours as they age.
CREATE TABLE rollup (
    issue_id INTEGER NOT NULL REFERENCES issue(id),
    start    INTEGER NOT NULL,
    width_ms INTEGER NOT NULL,
    count    INTEGER NOT NULL,
    PRIMARY KEY (issue_id, start, width_ms)
) STRICT, WITHOUT ROWID;
CREATE INDEX rollup_fine ON rollup(start) WHERE width_ms = 300000;

-- Values past the bound of a key are counted together in the row with other = 1 and the value ''.
CREATE TABLE tag_count (
    issue_id INTEGER NOT NULL REFERENCES issue(id),
    key      TEXT    NOT NULL,
    value    TEXT    NOT NULL,
    other    INTEGER NOT NULL DEFAULT 0, -- 1 for the row that counts all values past the bound
    count    INTEGER NOT NULL,
    PRIMARY KEY (issue_id, key, other, value)
) STRICT, WITHOUT ROWID;
CREATE INDEX tag_count_search ON tag_count(key COLLATE NOCASE, value COLLATE NOCASE, issue_id);

CREATE TABLE issue_user (
    issue_id INTEGER NOT NULL REFERENCES issue(id),
    identity BLOB    NOT NULL, -- first 16 bytes of SHA-256 of the identity
    PRIMARY KEY (issue_id, identity)
) STRICT, WITHOUT ROWID;

-- What SDKs had to drop, by hour.
CREATE TABLE loss (
    project_id INTEGER NOT NULL,
    hour       INTEGER NOT NULL,
    reason     TEXT    NOT NULL,
    category   TEXT    NOT NULL,
    quantity   INTEGER NOT NULL,
    PRIMARY KEY (project_id, hour, reason, category)
) STRICT, WITHOUT ROWID;

-- Items without an id of their own that were recorded, so that a retry does not count twice.
CREATE TABLE seen_report (
    key     BLOB    PRIMARY KEY,
    seen_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX seen_report_age ON seen_report(seen_at);
