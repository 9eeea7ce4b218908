use super::*;

#[test]
fn a_new_file_is_its_owners_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("new.db");
    let conn = open_writer(&path, "").unwrap();
    conn.execute_batch("CREATE TABLE t (x)").unwrap();
    #[cfg(unix)]
    for file in [path.clone(), beside(&path, "-wal"), beside(&path, "-shm")] {
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600, "{}", file.display());
    }
}

#[test]
fn every_commit_is_synced() {
    let dir = tempfile::tempdir().unwrap();
    let conn = open_writer(&dir.path().join("new.db"), "").unwrap();
    let mode: String = conn.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
    let synchronous: i64 = conn.query_row("PRAGMA synchronous", [], |row| row.get(0)).unwrap();
    assert_eq!((mode.as_str(), synchronous), ("wal", 2));
}

#[test]
fn a_folder_that_is_not_there_is_a_trouble_of_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let error = open_writer(&dir.path().join("no/such/folder.db"), "").unwrap_err();
    assert_eq!(trouble(&error), Trouble::Disk);
    assert!(error.to_string().contains("folder.db"), "{error}");
}

#[test]
fn the_log_is_restarted_only_when_nobody_reads_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("new.db");
    let writer = open_writer(&path, "").unwrap();
    writer.busy_timeout(Duration::from_millis(1)).unwrap();
    writer.execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1)").unwrap();
    let reader = open_reader(&path).unwrap();
    reader.execute_batch("BEGIN; SELECT * FROM t").unwrap();
    writer.execute_batch("INSERT INTO t VALUES (2)").unwrap();
    assert!(!restart_log(&writer).unwrap());
    reader.execute_batch("COMMIT").unwrap();
    assert!(restart_log(&writer).unwrap());
    assert_eq!(std::fs::metadata(beside(&path, "-wal")).unwrap().len(), 0);
}
