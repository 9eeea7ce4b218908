//! The header that C compilers read says what the code does.

use std::fs;
use std::path::Path;

/// Writes the header anew when it is set.
const WRITE: &str = "ERROR_SENTINEL_WRITE_HEADER";

#[test]
fn the_committed_header_is_that_of_the_code() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(package.join("cbindgen.toml")).expect("a valid cbindgen.toml");
    let bindings = cbindgen::Builder::new().with_crate(package).with_config(config).generate();
    let mut written = Vec::new();
    bindings.expect("the code can be read").write(&mut written);
    let written = String::from_utf8(written).expect("text");
    let path = package.join("include/error_sentinel.h");
    if std::env::var_os(WRITE).is_some() {
        fs::write(&path, &written).expect("it can be written");
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == written,
        "include/error_sentinel.h is not what src/ says; write it anew: {WRITE}=1 cargo test -p error-sentinel-ffi --test \
         header"
    );
}
