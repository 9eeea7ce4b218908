//! The C library as it is installed: what pkg-config and CMake say about it makes programs that run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use error_sentinel_tests::{Collector, finish, finish_with, repository};
use tempfile::TempDir;

/// Longest that a compiler may take; the machine may be busy.
const COMPILE: Duration = Duration::from_secs(120);
const SOON: Duration = Duration::from_secs(20);

/// The installed library, moved to where nobody knows it from.
#[track_caller]
fn moved_package() -> TempDir {
    moved("ERROR_SENTINEL_C_PACKAGE", "--profile dev target/c-package")
}

/// What `cargo xtask c-package` has made, by the name of the variable that says where, and by the command's arguments.
#[track_caller]
fn moved(variable: &str, arguments: &str) -> TempDir {
    let made = match std::env::var_os(variable) {
        Some(folder) => PathBuf::from(folder),
        None => repository().join(arguments.rsplit(' ').next().expect("the folder")),
    };
    assert!(
        made.join("lib/pkgconfig").is_dir(),
        "the C library is not in {}: cargo xtask c-package {arguments}, or let `cargo xtask test` do all",
        made.display()
    );
    let moved = tempfile::tempdir().expect("a temporary folder");
    finish(Command::new("cp").arg("-a").arg(made.join(".")).arg(moved.path()), COMPILE).success();
    moved
}

/// What pkg-config says.
fn pkg_config(package: &Path, arguments: &[&str]) -> Vec<String> {
    let mut command = Command::new("pkg-config");
    command.env("PKG_CONFIG_PATH", package.join("lib/pkgconfig")).args(arguments).arg("error-sentinel");
    let said = finish(&mut command, COMPILE).success().stdout;
    said.split_whitespace().map(str::to_owned).collect()
}

#[track_caller]
fn assert_reports(collector: &mut Collector, program: &mut Command, expected: &str) {
    let printed = finish(program, COMPILE).success().stdout;
    let event = collector.api().event(printed.trim(), SOON);
    assert!(event.to_string().contains(expected), "{event:#}");
}

#[test]
fn a_c_program_is_made_of_what_pkg_config_says() {
    let package = moved_package();
    let mut collector = Collector::start();
    let dsn = collector.dsn().to_string();
    let folder = tempfile::tempdir().expect("a temporary folder");
    assert_eq!(pkg_config(package.path(), &["--modversion"]), [env!("CARGO_PKG_VERSION")]);
    for (name, is_static) in [("dynamic", false), ("static", true)] {
        let program = folder.path().join(name);
        let mut compiler = Command::new("cc");
        compiler.arg(repository().join("examples/c/send_alert.c")).arg("-o").arg(&program);
        compiler.args(pkg_config(package.path(), &["--cflags"]));
        let libraries = match is_static {
            true => pkg_config(package.path(), &["--libs", "--static"]),
            false => pkg_config(package.path(), &["--libs"]),
        };
        let whole = |flag: String| {
            if is_static && flag == "-lerror_sentinel" { "-l:liberror_sentinel.a".into() } else { flag }
        };
        finish(compiler.args(libraries.into_iter().map(whole)), COMPILE).success();
        let mut run = Command::new(&program);
        run.args([&dsn, name]);
        if !is_static {
            // It asks for the library by the name under which its ABI stays the same.
            let needed = finish(Command::new("readelf").arg("-d").arg(&program), COMPILE).success().stdout;
            assert!(needed.contains("[liberror_sentinel.so.0.1]"), "{needed}");
            run.env("LD_LIBRARY_PATH", package.path().join("lib"));
        }
        assert_reports(&mut collector, &mut run, name);
    }
}

#[test]
fn the_small_one_delivers_by_the_host_and_records_crashes() {
    let package = moved("ERROR_SENTINEL_C_PACKAGE_SMALL", "--small target/c-package-small");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let program = folder.path().join("harness");
    let mut compiler = Command::new("cc");
    compiler.arg(repository().join("examples/c/harness.c")).arg("-o").arg(&program);
    compiler.args(pkg_config(package.path(), &["--cflags"])).args(pkg_config(package.path(), &["--libs"]));
    finish(compiler.arg("-lpthread"), COMPILE).success();
    let run = |arguments: &[&str], input: &str| {
        let mut command = Command::new(&program);
        command.args(arguments).env("LD_LIBRARY_PATH", package.path().join("lib"));
        finish_with(&mut command, input, COMPILE).success().stdout
    };
    let dsn = "http://0123456789abcdef0123456789abcdef@127.0.0.1:9/1";
    let sent = run(&["by-host", dsn, "1"], "200 0\n");
    assert!(sent.contains("/api/1/envelope/") && sent.contains("PaymentRefused"), "{sent}");
    // Each start is ready to crash.
    let spool = folder.path().join("spool");
    run(&["restarts", "3", &spool.display().to_string()], "");
    let size = fs::metadata(package.path().join("lib/liberror_sentinel.so")).expect("it is there").len();
    assert!(size < 650_000, "{size}");
}

#[test]
fn a_cpp_program_finds_it_by_cmake() {
    let package = moved_package();
    let mut collector = Collector::start();
    let dsn = collector.dsn().to_string();
    let folder = tempfile::tempdir().expect("a temporary folder");
    for is_static in [false, true] {
        let build = folder.path().join(is_static.to_string());
        let mut configure = Command::new("cmake");
        configure.arg("-S").arg(repository().join("examples/cmake")).arg("-B").arg(&build);
        configure.arg(format!("-DCMAKE_PREFIX_PATH={}", package.path().display()));
        configure.arg(format!("-DSHOP_STATIC={is_static}"));
        finish(&mut configure, COMPILE).success();
        finish(Command::new("cmake").arg("--build").arg(&build), COMPILE).success();
        let mut run = Command::new(build.join("shop"));
        assert_reports(&mut collector, run.arg(&dsn), "the card was refused");
    }
}

#[test]
fn a_program_that_asks_for_another_abi_is_told() {
    let package = moved_package();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let text = fs::read_to_string(repository().join("examples/cmake/CMakeLists.txt")).expect("there is one");
    fs::write(folder.path().join("CMakeLists.txt"), text.replace("error_sentinel 0.1", "error_sentinel 0.2"))
        .expect("space");
    fs::copy(repository().join("examples/cmake/shop.cpp"), folder.path().join("shop.cpp")).expect("space");
    let mut configure = Command::new("cmake");
    configure.arg("-S").arg(folder.path()).arg("-B").arg(folder.path().join("build"));
    configure.arg(format!("-DCMAKE_PREFIX_PATH={}", package.path().display()));
    let said = finish(&mut configure, COMPILE).failure().stderr;
    assert!(said.contains("compatible with requested") && said.contains("0.1.0"), "{said}");
}
