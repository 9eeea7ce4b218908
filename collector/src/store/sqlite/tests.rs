use std::sync::Arc;

use error_sentinel_wire::{EventId, ProjectId, UnixMs};
use rusqlite::params_from_iter;
use tempfile::TempDir;

use super::*;
use crate::store::conformance::{self, START, event, more, new_issue, project, record};
use crate::store::digests::{Changes, IssueChange, Lookup, NewAlarm, NewEvent};
use crate::store::issue::IssueQuery;
use crate::store::outbox::AlarmKind;
use crate::store::payload::Payload;
use crate::store::{Digests, Events, IssueId, Issues, Outbox, Projects, Status};

fn open() -> (TempDir, SqliteStore) {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&dir.path().join("store.db")).unwrap();
    (dir, store)
}

#[track_caller]
fn assert_sound(store: &SqliteStore) {
    let conn = database::open_reader(&store.path).unwrap();
    assert_eq!(database::check(&conn, None).unwrap(), database::Soundness::Sound);
}

macro_rules! conforms {
    ($($promise:ident),* $(,)?) => {$(
        #[test]
        fn $promise() {
            let (_dir, store) = open();
            conformance::$promise(&store);
            assert_sound(&store);
        }
    )*};
}

conforms! {
    admits_tokens,
    bounds_links,
    bounds_tags,
    bounds_users,
    changes_the_status,
    counts_exactly,
    ends_sessions,
    follows_a_trace,
    follows_the_newest_and_the_worst,
    keeps_projects,
    keeps_what_it_is_given,
    knows_what_it_recorded,
    lets_the_first_one_in_once,
    pages_events,
    pages_issues,
    records_all_or_nothing,
    records_an_event_once,
    removes_accounts,
    rings_in_the_same_transaction,
    searches,
    serves_many_at_once,
    sums_losses,
    survives_numbers_beyond_all_bounds,
}

#[test]
fn what_was_recorded_is_there_after_a_start_anew() {
    let (dir, store) = open();
    let project_id = project(&store, 1);
    let id = record(&store, vec![new_issue(project_id, "E", vec![event(1)])])[0];
    drop(store);
    let store = SqliteStore::open(&dir.path().join("store.db")).unwrap();
    assert_eq!(store.issue(id).unwrap().unwrap().count, 1);
}

#[test]
fn a_store_that_settles_is_one_file_and_one_that_is_read_meanwhile_stays_whole() {
    let (_dir, store) = open();
    let id = record(&store, vec![new_issue(project(&store, 1), "k", vec![event(1)])])[0];
    let log_bytes = || database::log_bytes(&store.path).unwrap();
    assert!(log_bytes() > 0);
    store.settle().unwrap();
    assert_eq!(log_bytes(), 0);

    let reader = Connection::open(&store.path).unwrap();
    reader.execute_batch("BEGIN; SELECT * FROM issue").unwrap();
    record(&store, vec![more(id, vec![event(2)])]);
    store.settle().unwrap();
    assert!(log_bytes() > 0);
    reader.execute_batch("COMMIT").unwrap();
    assert_eq!(store.events(id, 10, None).unwrap().items.len(), 2);
    assert_sound(&store);
}

#[test]
fn a_reader_that_stays_lets_the_log_grow_to_its_bound_and_no_further() {
    const LOG_BYTES_MAX: u64 = 1024 * 1024;
    let (dir, mut store) = open();
    store.log_bytes_max = LOG_BYTES_MAX;
    let path = dir.path().join("store.db");
    let project_id = project(&store, 1);
    let try_record = |number: u32| {
        let change = new_issue(project_id, "E", vec![event(number)]);
        store.record(&Lookup::default(), &mut |_| Changes {
            issues: vec![change.clone()],
            ..Changes::default()
        })
    };
    let reader = Connection::open(&path).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM project").unwrap();
    let mut number = 0;
    let refused = loop {
        number += 1;
        if let Err(error) = try_record(number) {
            break error;
        }
        assert!(database::log_bytes(&path).unwrap() < 2 * LOG_BYTES_MAX);
    };
    assert!(matches!(refused, StoreError::Busy(_)), "{refused:?}");
    reader.execute_batch("COMMIT").unwrap();
    try_record(number).unwrap();
    assert!(database::log_bytes(&path).unwrap() < LOG_BYTES_MAX);
}

#[test]
fn a_newer_schema_is_refused_in_a_sentence() {
    let (dir, store) = open();
    drop(store);
    let path = dir.path().join("store.db");
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 999).unwrap();
    let Err(StoreError::Unusable(text)) = SqliteStore::open(&path) else { panic!("it was opened") };
    assert!(text.contains("newer release"), "{text}");
}

#[test]
fn a_file_that_is_no_database_is_unusable_and_stays_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.db");
    let text = "these are notes, and no database at all\n".repeat(100);
    std::fs::write(&path, &text).unwrap();
    assert!(matches!(SqliteStore::open(&path), Err(StoreError::Unusable(_))));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn two_that_open_a_new_store_at_once_both_find_it_whole() {
    for _ in 0..5 {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store.db");
        std::thread::scope(|scope| {
            for number in 0..3 {
                let path = &path;
                scope.spawn(move || {
                    let store = SqliteStore::open(path).unwrap();
                    project(&store, number);
                });
            }
        });
        assert_eq!(SqliteStore::open(&path).unwrap().projects().unwrap().len(), 3);
    }
}

#[test]
fn what_another_process_changes_is_seen_at_once() {
    let (dir, server) = open();
    let command = SqliteStore::open(&dir.path().join("store.db")).unwrap();
    let project_id = project(&command, 1);
    assert_eq!(server.projects().unwrap().len(), 1);
    let id = record(&server, vec![new_issue(project_id, "E", vec![event(1)])])[0];
    command.set_status(id, Status::Resolved, None, START, 0).unwrap();
    assert_eq!(server.issue(id).unwrap().unwrap().status, Status::Resolved);
}

#[test]
fn a_store_that_another_process_holds_is_busy_and_can_be_read() {
    let (dir, store) = open();
    let project_id = project(&store, 1);
    let other = Connection::open(dir.path().join("store.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let asked = Instant::now();
    let decided =
        store.write_within(Duration::from_millis(50), |tx| Ok(tx.execute("DELETE FROM project", [])?));
    assert!(matches!(decided, Err(StoreError::Busy(_))), "{decided:?}");
    assert!(matches!(store.check_writable(), Err(StoreError::Busy(_))));
    assert!(asked.elapsed() < Duration::from_secs(5));
    assert_eq!(store.projects().unwrap().len(), 1);
    other.execute_batch("ROLLBACK").unwrap();
    store.check_writable().unwrap();
    record(&store, vec![new_issue(project_id, "E", vec![event(1)])]);
}

#[test]
fn who_waits_for_the_writer_in_vain_is_told_so() {
    let (_dir, store) = open();
    let held = store.lease_writer(BUSY_PATIENCE).unwrap();
    let waited = store.write_within(Duration::from_millis(10), |_| Ok(()));
    assert!(matches!(waited, Err(StoreError::Busy(_))), "{waited:?}");
    drop(held);
    store.write_within(Duration::from_millis(10), |_| Ok(())).unwrap();
}

#[test]
fn after_a_failure_of_the_disk_the_log_is_restarted_first() {
    let (dir, store) = open();
    project(&store, 1);
    // The last connection that is closed moves the log by itself; a reader stays, as pages do.
    store.projects().unwrap();
    let failed: Result<()> = store.write(|tx| {
        tx.execute("UPDATE project SET name = 'lost'", [])?;
        Err(StoreError::Storage("the disk is full".into()))
    });
    assert!(matches!(failed, Err(StoreError::Storage(_))));
    let log = database::beside(&dir.path().join("store.db"), "-wal");
    assert_ne!(std::fs::metadata(&log).unwrap().len(), 0);
    drop(store.lease_writer(BUSY_PATIENCE).unwrap());
    assert_eq!(std::fs::metadata(&log).unwrap().len(), 0);
    assert_eq!(store.projects().unwrap()[0].name, "project 1");
}

#[test]
fn a_decision_that_panics_leaves_the_store_as_it_was() {
    let (_dir, store) = open();
    let project_id = project(&store, 1);
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        store.record(&Lookup::default(), &mut |_| panic!("a bug in a rule"))
    }));
    assert!(panicked.is_err());
    record(&store, vec![new_issue(project_id, "E", vec![event(1)])]);
}

#[test]
fn a_query_that_runs_too_long_is_ended() {
    let (_dir, store) = open();
    let endless = store.read(|conn| {
        conn.progress_handler(1000, Some(|| true))?;
        let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
        Ok(conn.query_row(sql, [], |row| row.get::<_, i64>(0))?)
    });
    assert!(matches!(endless, Err(StoreError::Busy(_))), "{endless:?}");
    assert_eq!(store.projects().unwrap().len(), 0, "the next query has its own time");
}

#[test]
fn readers_cannot_write() {
    let (_dir, store) = open();
    assert!(store.read(|conn| Ok(conn.execute("DELETE FROM project", [])?)).is_err());
}

fn sending(store: &SqliteStore, id: IssueId, lease_until: UnixMs) {
    let sql = "UPDATE alarm SET state = 'sending', lease_until = ?2 WHERE issue_id = ?1";
    store.write(|tx| Ok(tx.execute(sql, [id.0, lease_until.0])?)).unwrap();
}

fn ringing(store: &SqliteStore) -> IssueId {
    let project_id = project(store, 1);
    let alarm = NewAlarm { kind: AlarmKind::New, event_id: EventId(1), at: START };
    record(store, vec![IssueChange { alarm: Some(alarm), ..new_issue(project_id, "E", vec![event(1)]) }])[0]
}

#[test]
fn ignoring_waits_for_a_mail_that_is_being_sent() {
    let (_dir, store) = open();
    let id = ringing(&store);
    sending(&store, id, START.plus_ms(60_000));
    let asked = store.set_status(id, Status::Ignored, None, START, 30);
    assert!(matches!(asked, Err(StoreError::Busy(_))), "{asked:?}");
    assert_eq!(store.issue(id).unwrap().unwrap().status, Status::Ignored);
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| store.set_status(id, Status::Ignored, None, START, 20_000));
        store.write(|tx| Ok(tx.execute("UPDATE alarm SET state = 'sent'", [])?)).unwrap();
        assert!(asked.join().unwrap().unwrap().is_some());
    });
}

#[test]
fn ignoring_does_not_wait_for_a_sender_that_died() {
    let (_dir, store) = open();
    let id = ringing(&store);
    sending(&store, id, START.plus_ms(-1));
    assert!(store.set_status(id, Status::Ignored, None, START, 0).unwrap().is_some());
    assert_eq!(store.waiting_count().unwrap(), 0);
}

/// How SQLite would run a statement, one line a step.
fn plan(store: &SqliteStore, sql: &str, values: Vec<rusqlite::types::Value>) -> String {
    store
        .read(|conn| {
            let mut statement = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
            let rows = statement.query_map(params_from_iter(values), |row| row.get::<_, String>(3))?;
            Ok(rows.collect::<rusqlite::Result<Vec<_>>>()?.join("\n"))
        })
        .unwrap()
}

#[test]
fn every_list_of_issues_walks_along_an_index() {
    let (_dir, store) = open();
    let cursor = Some("1800000000000-5".to_owned());
    for (project_id, status, index) in [
        (None, None, "issue_recent"),
        (None, Some(Status::Unresolved), "issue_status_recent"),
        (Some(ProjectId(1)), None, "issue_project_recent"),
        (Some(ProjectId(1)), Some(Status::Ignored), "issue_project_status_recent"),
    ] {
        for cursor in [None, cursor.clone()] {
            let query = IssueQuery { project_id, status, cursor, limit: 50, ..IssueQuery::default() };
            let (sql, values) = issue::list_sql(&query, 51).unwrap();
            let plan = plan(&store, &sql, values);
            assert!(plan.contains(&format!("USING INDEX {index}")), "{plan}");
            assert!(!plan.contains("TEMP B-TREE"), "{plan}");
        }
    }
}

#[test]
fn a_search_for_a_tag_uses_its_index() {
    let (_dir, store) = open();
    let query = IssueQuery { query: "os:Android".into(), limit: 50, ..IssueQuery::default() };
    let (sql, values) = issue::list_sql(&query, 51).unwrap();
    let plan = plan(&store, &sql, values);
    assert!(plan.contains("tag_count_search (key=? AND value=?)"), "{plan}");
    assert!(!plan.contains("SCAN tag_count"), "{plan}");
}

#[test]
fn no_hot_query_scans() {
    let (_dir, store) = open();
    for (sql, index) in [
        (
            "SELECT * FROM event WHERE issue_id = 1 AND sequence < 9 ORDER BY sequence DESC LIMIT 5",
            "event_issue",
        ),
        (
            "SELECT * FROM event LEFT JOIN payload USING (sequence) WHERE event_id = x'00'",
            "sqlite_autoindex_event",
        ),
        ("SELECT * FROM event WHERE trace_id = x'00' ORDER BY sequence LIMIT 5", "event_trace"),
        (
            "SELECT event_id FROM event WHERE issue_id = 1 AND has_payload = 1 AND sequence > 5
             ORDER BY sequence LIMIT 1",
            "event_stored",
        ),
        ("SELECT count FROM rollup WHERE issue_id = 1 AND start >= 5 AND start < 9", "PRIMARY KEY"),
        (
            "SELECT count FROM rollup WHERE width_ms = 300000 AND start < 9 ORDER BY start LIMIT 5",
            "rollup_fine",
        ),
        ("SELECT * FROM tag_count WHERE issue_id = 1", "PRIMARY KEY"),
        ("SELECT issue_id FROM issue_group WHERE project_id = 1 AND hash = x'00'", "PRIMARY KEY"),
        ("SELECT sequence FROM event WHERE has_payload = 0 AND received_at < 5 LIMIT 9", "event_evicted"),
        ("SELECT max(hour) FROM loss WHERE project_id = 1 AND hour >= 5 GROUP BY reason", "PRIMARY KEY"),
        ("SELECT key FROM seen_report WHERE seen_at < 5 LIMIT 9", "seen_report_age"),
    ] {
        let plan = plan(&store, sql, Vec::new());
        assert!(plan.contains(index) && plan.contains("SEARCH") && !plan.contains("SCAN"), "{sql}\n{plan}");
    }
}

mod retention {
    use super::*;

    const DAY_MS: i64 = 86_400_000;
    const ROOM: u64 = 1 << 40;

    /// An event whose payload does not compress.
    fn heavy(number: u32, bytes: usize, richness: u32) -> NewEvent {
        let mut seed = u64::from(number) + 1;
        let noise = (0..bytes).map(|_| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 56) as u8
        });
        NewEvent { payload: Payload { compressed: noise.collect() }, richness, ..event(number) }
    }

    fn stored(store: &SqliteStore, id: IssueId) -> Vec<u128> {
        let rows = store.events(id, 500, None).unwrap().items;
        rows.iter().filter(|row| row.has_payload).map(|row| row.event_id.0).collect()
    }

    #[test]
    fn nothing_is_evicted_within_the_budget() {
        let (_dir, store) = open();
        let project_id = project(&store, 1);
        let events = (0..20).map(|n| heavy(n, 5000, 0)).collect();
        let id = record(&store, vec![new_issue(project_id, "E", events)])[0];
        assert_eq!(store.maintain(START, ROOM).unwrap(), Maintenance::default());
        assert_eq!(stored(&store, id).len(), 20);
    }

    #[test]
    fn evicting_keeps_counts_and_the_first_the_latest_and_the_richest() {
        let (_dir, store) = open();
        let project_id = project(&store, 1);
        let events = (0..100).map(|n| heavy(n, 10_000, if n == 40 { 9 } else { 1 })).collect();
        let id = record(&store, vec![new_issue(project_id, "E", events)])[0];
        let before = store.size_bytes().unwrap();
        let done = store.maintain(START, 1).unwrap();
        assert_eq!(done.evicted_count, 97);
        assert!(done.over_budget_bytes > 0);
        assert_eq!(stored(&store, id), [99, 40, 0]);
        let issue = store.issue(id).unwrap().unwrap();
        assert_eq!((issue.count, issue.stored_count), (100, 3));
        let evicted = store.event(EventId(50)).unwrap().unwrap();
        assert_eq!((evicted.payload, evicted.row.has_payload), (None, false));
        assert!(done.shrunk_bytes > 500_000, "{done:?}");
        store
            .lease_writer(BUSY_PATIENCE)
            .unwrap()
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            .unwrap();
        assert!(store.size_bytes().unwrap() + 500_000 < before);
        record(&store, vec![more(id, vec![event(50)])]);
        assert_eq!(store.issue(id).unwrap().unwrap().count, 100, "an evicted event is still known");
        assert_sound(&store);
    }

    #[test]
    fn the_issue_with_the_most_gives_first_and_poor_old_events_before_rich_ones() {
        let (_dir, store) = open();
        let project_id = project(&store, 1);
        let storm = (0..300).map(|n| heavy(n, 10_000, n % 2)).collect();
        let rare = (1000..1010).map(|n| heavy(n, 10_000, 0)).collect();
        let ids =
            record(&store, vec![new_issue(project_id, "storm", storm), new_issue(project_id, "rare", rare)]);
        let used = store.used_bytes().unwrap();
        let done = store.maintain(START, used - 400_000).unwrap();
        assert!((40..150).contains(&done.evicted_count), "{done:?}");
        assert_eq!(done.over_budget_bytes, 0);
        assert!(store.used_bytes().unwrap() <= used - 400_000);
        assert_eq!(stored(&store, ids[1]).len(), 10);
        let poor = stored(&store, ids[0]).iter().filter(|n| *n % 2 == 0).count();
        let rich = stored(&store, ids[0]).iter().filter(|n| *n % 2 == 1).count();
        assert!(rich >= 140 && poor < 115, "{rich} rich and {poor} poor ones are left");
    }

    #[test]
    fn ids_of_evicted_events_are_forgotten_after_a_week_and_not_before() {
        let (_dir, store) = open();
        let project_id = project(&store, 1);
        let events = (0..10).map(|n| heavy(n, 5000, 0)).collect();
        let id = record(&store, vec![new_issue(project_id, "E", events)])[0];
        store.maintain(START, 1).unwrap();
        assert_eq!(store.maintain(START.plus_ms(7 * DAY_MS), ROOM).unwrap().pruned_event_count, 0);
        assert_eq!(store.maintain(START.plus_ms(8 * DAY_MS), ROOM).unwrap().pruned_event_count, 7);
        assert_eq!(store.events(id, 50, None).unwrap().items.len(), 3);
        assert_eq!(store.issue(id).unwrap().unwrap().count, 10);
    }

    #[test]
    fn buckets_fold_into_hours_and_the_curve_stays_the_same() {
        let (_dir, store) = open();
        let project_id = project(&store, 1);
        let events = (0..600)
            .map(|n| NewEvent { received_at: START.plus_ms(i64::from(n) * 60_000), ..event(n) })
            .collect();
        let id = record(&store, vec![new_issue(project_id, "E", events)])[0];
        let curve = || store.hourly_counts(&[id], START, START.plus_ms(10 * 3_600_000)).unwrap();
        let before = curve();
        let done = store.maintain(START.plus_ms(2 * DAY_MS + 5 * 3_600_000), ROOM).unwrap();
        assert_eq!(done.folded_count, 60, "five hours of twelve buckets are old enough");
        assert_eq!(curve(), before);
        let rows = |store: &SqliteStore| {
            store
                .read(|conn| {
                    Ok(conn.query_row("SELECT count(*) FROM rollup", [], |row| row.get::<_, i64>(0))?)
                })
                .unwrap()
        };
        assert_eq!(rows(&store), 5 + 60);
        store.maintain(START.plus_ms(30 * DAY_MS), ROOM).unwrap();
        assert_eq!((rows(&store), curve()), (10, before));
    }

    #[test]
    fn reports_and_losses_are_forgotten_in_their_time() {
        let (_dir, store) = open();
        let project_id = project(&store, 1);
        let loss = crate::store::digests::Loss {
            project_id,
            at: START,
            reason: "network_error".into(),
            category: "error".into(),
            quantity: 5,
        };
        let changes = Changes { losses: vec![loss], report_keys: vec![[1; 16]], ..Changes::default() };
        store.record(&Lookup::default(), &mut |_| changes.clone()).unwrap();
        assert_eq!(store.maintain(START.plus_ms(6 * DAY_MS), ROOM).unwrap().pruned_report_count, 0);
        assert_eq!(store.maintain(START.plus_ms(8 * DAY_MS), ROOM).unwrap().pruned_report_count, 1);
        assert_eq!(store.losses(project_id, START).unwrap().len(), 1);
        store.maintain(START.plus_ms(91 * DAY_MS), ROOM).unwrap();
        assert_eq!(store.losses(project_id, START).unwrap().len(), 0);
    }
}

#[test]
fn a_backup_made_under_load_holds_all_that_was_acknowledged_before() {
    let (dir, store) = open();
    let project_id = project(&store, 1);
    let store = Arc::new(store);
    let id = record(&*store, vec![new_issue(project_id, "E", (0..200).map(event).collect())])[0];
    let to = dir.path().join("copy.db");
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            for number in 1000..1030 {
                record(&*store, vec![more(id, vec![event(number)])]);
            }
        });
        store.backup_to(&to, &mut |_, _| {}).unwrap();
        writing.join().unwrap();
    });
    let copy = SqliteStore::open(&to).unwrap();
    assert_sound(&copy);
    let issue = copy.issue(id).unwrap().unwrap();
    assert!(issue.count >= 200 && issue.count == issue.stored_count, "{issue:?}");
    assert!((0..200).all(|number| copy.event(EventId(number)).unwrap().is_some()));
}
