//! `cargo xtask c-package`: the C library as a system wants it: headers, both libraries, and what pkg-config and CMake
//! ask for.
//!
//! The layout is that of cargo-c, which cannot be had in a reasonable time where it is tested: Debian's is too old for
//! this edition of Rust, and to compile it takes longer than all that it is needed for.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::program::Program;
use crate::{repository, small, target_dir};

/// What the library is called in `-lerror_sentinel`.
const LIBRARY: &str = "error_sentinel";
/// What Rust's standard library needs of the system when it is linked with a program.
const SYSTEM_LIBRARIES: &str = "-lpthread -ldl -lm";

/// Builds the library with a profile of cargo's and puts it into `prefix`, made anew where it has parts of it.
///
/// # Errors
/// When it cannot be built, or a file not be written.
pub fn run(prefix: &Path, profile: &str) -> Result<()> {
    let build = |kind: &str| {
        Program::cargo("rustc --locked -p error-sentinel-ffi --lib --profile")
            .words(profile)
            .words("--crate-type")
            .words(kind)
    };
    let built = target_dir().join(if profile == "dev" { "debug" } else { profile });
    install(prefix, &build, &built)
}

/// The same as small as it gets: delivery by the host, native crashes, no stack of who raises an alert.
///
/// # Errors
/// As [`run`].
pub fn run_small(prefix: &Path) -> Result<()> {
    let log = target_dir().join("xtask/c-package.log");
    Program::new("rustup").words("component add rust-src").done(&log)?;
    let host = Program::new("rustc").words("--print host-tuple").done(&log)?;
    let work = target_dir().join("c-small");
    let build = |kind: &str| {
        small::library(kind, host.trim(), "crash")
            .words("--target-dir")
            .argument(&work)
            .environment("RUSTFLAGS", format!("{} -Clink-arg=-Wl,--icf=all", small::flags(host.trim())))
    };
    install(prefix, &build, &work.join(host.trim()).join("mobile"))
}

fn install(prefix: &Path, build: &dyn Fn(&str) -> Program, built: &Path) -> Result<()> {
    let version = version()?;
    let mut parts = version.splitn(3, '.');
    // Before 1.0 every minor version may change the ABI, as cargo has it.
    let abi = match (parts.next(), parts.next()) {
        (Some("0"), Some(minor)) => format!("0.{minor}"),
        (Some(major), _) => major.to_owned(),
        _ => anyhow::bail!("{version} is no version"),
    };
    let so_name = format!("lib{LIBRARY}.so.{abi}");
    build("staticlib").succeed()?;
    build("cdylib").words("--").words(&format!("-Clink-arg=-Wl,-soname,{so_name}")).succeed()?;

    let lib = prefix.join("lib");
    let (pkg_config, cmake) = (lib.join("pkgconfig"), lib.join("cmake").join(LIBRARY));
    for folder in [&prefix.join("include"), &pkg_config, &cmake] {
        fs::create_dir_all(folder)?;
    }
    let copy = |from: &Path, to: &Path| {
        fs::copy(from, to).with_context(|| format!("{} to {}", from.display(), to.display())).map(drop)
    };
    copy(&repository().join("sdk-ffi/include/error_sentinel.h"), &prefix.join("include/error_sentinel.h"))?;
    copy(&built.join("liberror_sentinel_ffi.a"), &lib.join(format!("lib{LIBRARY}.a")))?;
    let so_file = format!("lib{LIBRARY}.so.{version}");
    copy(&built.join("liberror_sentinel_ffi.so"), &lib.join(&so_file))?;
    link(&so_file, &lib.join(&so_name))?;
    link(&so_name, &lib.join(format!("lib{LIBRARY}.so")))?;
    fs::write(pkg_config.join("error-sentinel.pc"), pkg_config_file(&version))?;
    fs::write(cmake.join(format!("{LIBRARY}-config.cmake")), cmake_config(&so_file, &so_name))?;
    fs::write(cmake.join(format!("{LIBRARY}-config-version.cmake")), cmake_version(&version, &abi))?;
    eprintln!("the C library {version} is in {}", prefix.display());
    Ok(())
}

/// The version of all packages of the workspace.
fn version() -> Result<String> {
    let manifest = fs::read_to_string(repository().join("Cargo.toml"))?;
    let line = manifest.lines().find_map(|line| line.strip_prefix("version = \""));
    Ok(line.and_then(|line| line.split('"').next()).context("the workspace has a version")?.to_owned())
}

#[cfg(unix)]
fn link(to: &str, at: &Path) -> Result<()> {
    if fs::symlink_metadata(at).is_ok() {
        fs::remove_file(at)?;
    }
    Ok(std::os::unix::fs::symlink(to, at)?)
}

#[cfg(not(unix))]
fn link(_: &str, at: &Path) -> Result<()> {
    anyhow::bail!("{} would be a symbolic link, which this system does not have", at.display())
}

/// Where it lies is told by where this file lies, so that the folder can be moved.
fn pkg_config_file(version: &str) -> String {
    format!(
        "prefix=${{pcfiledir}}/../..\n\
         includedir=${{prefix}}/include\n\
         libdir=${{prefix}}/lib\n\
         \n\
         Name: error-sentinel\n\
         Description: The alarm that tells a team its software is breaking\n\
         Version: {version}\n\
         Cflags: -I${{includedir}}\n\
         Libs: -L${{libdir}} -l{LIBRARY}\n\
         Libs.private: {SYSTEM_LIBRARIES}\n"
    )
}

fn cmake_config(so_file: &str, so_name: &str) -> String {
    format!(
        "# error_sentinel::shared is loaded when the program starts, error_sentinel::static goes into it.\n\
         get_filename_component(_prefix \"${{CMAKE_CURRENT_LIST_DIR}}/../../..\" ABSOLUTE)\n\
         include(CMakeFindDependencyMacro)\n\
         find_dependency(Threads)\n\
         if(NOT TARGET error_sentinel::shared)\n  \
           add_library(error_sentinel::shared SHARED IMPORTED)\n  \
           set_target_properties(error_sentinel::shared PROPERTIES\n    \
             IMPORTED_LOCATION \"${{_prefix}}/lib/{so_file}\"\n    \
             IMPORTED_SONAME \"{so_name}\"\n    \
             INTERFACE_INCLUDE_DIRECTORIES \"${{_prefix}}/include\")\n  \
           add_library(error_sentinel::static STATIC IMPORTED)\n  \
           set_target_properties(error_sentinel::static PROPERTIES\n    \
             IMPORTED_LOCATION \"${{_prefix}}/lib/lib{LIBRARY}.a\"\n    \
             INTERFACE_INCLUDE_DIRECTORIES \"${{_prefix}}/include\"\n    \
             INTERFACE_LINK_LIBRARIES \"Threads::Threads;${{CMAKE_DL_LIBS}};m\")\n\
         endif()\n\
         unset(_prefix)\n"
    )
}

/// A program asks for the version that it was written for: a newer one does as long as the ABI is the same.
fn cmake_version(version: &str, abi: &str) -> String {
    format!(
        "set(PACKAGE_VERSION \"{version}\")\n\
         if(PACKAGE_FIND_VERSION VERSION_GREATER PACKAGE_VERSION\n    \
             OR NOT \"${{PACKAGE_FIND_VERSION}}.\" MATCHES \"^{}[.]\")\n  \
           set(PACKAGE_VERSION_COMPATIBLE FALSE)\n\
         else()\n  \
           set(PACKAGE_VERSION_COMPATIBLE TRUE)\n  \
           if(PACKAGE_FIND_VERSION VERSION_EQUAL PACKAGE_VERSION)\n    \
             set(PACKAGE_VERSION_EXACT TRUE)\n  \
           endif()\n\
         endif()\n",
        abi.replace('.', "[.]")
    )
}
