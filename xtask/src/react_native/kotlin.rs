//! The Kotlin half: our module, what React Native generates for it, and the program of the tests, against React Native's
//! own classes.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::{folder, package};
use crate::android;
use crate::android::kotlin::{classes_jar, compile, jars_in, joined, kotlin_files, named, provide_jars};
use crate::program::Program;
use crate::repository;
use crate::toolbox::{UNZIP, is_newer};

const GENERATED: &str = "java/io/github/errorsentinel/reactnative/NativeErrorSentinelSpec.java";

/// Compiles `target/react-native/classes`.
pub fn compile_module(log: &Path) -> Result<()> {
    if !UNZIP.provide(log) {
        bail!(
            "{} is missing and cannot be installed here; install it: {}",
            UNZIP.name,
            UNZIP.install_command()
        );
    }
    let theirs = folder().join("jars");
    provide_jars(&repository().join("tests/react-native/pom.xml"), &theirs, log)?;
    let react = theirs.join("react-android.jar");
    if !react.exists() {
        // An archive of many processors' libraries, of which the classes are wanted.
        let archive = theirs.join("react-android-0.76.0-release.aar");
        Program::new("unzip")
            .words("-qo")
            .argument(&archive)
            .words("classes.jar -d")
            .argument(&theirs)
            .done(log)?;
        fs::rename(theirs.join("classes.jar"), &react)?;
        fs::remove_file(archive)?;
    }
    let spec = folder().join("codegen/android").join(GENERATED);
    let mut sources = kotlin_files(&package().join("android"))?;
    sources.extend(kotlin_files(&repository().join("tests/react-native/android"))?);
    let mut read = sources.clone();
    read.extend([package().join("spec/NativeErrorSentinel.ts"), classes_jar()]);
    let classes = folder().join("classes");
    let marker = classes.join("compiled");
    if is_newer(&marker, &read) {
        return Ok(());
    }
    let mut class_path = jars_in(&theirs)?;
    class_path.extend([classes_jar(), android::folder().join("harness")]);
    let generated = folder().join("generated-classes");
    fs::create_dir_all(&generated)?;
    let framework = jars_in(&android::folder().join("jars"))?;
    let framework = framework.into_iter().filter(|jar| named(jar, "android-all"));
    let javac_path: Vec<PathBuf> = class_path.iter().cloned().chain(framework).collect();
    Program::new("javac")
        .words("-proc:none -Xlint:none -nowarn --release 8 -cp")
        .argument(joined(&javac_path))
        .words("-d")
        .argument(&generated)
        .argument(spec)
        .done(log)?;
    class_path.push(generated);
    compile(&sources, "-module-name error_sentinel_react_native", &class_path, &classes, log)?;
    fs::write(marker, "").map_err(Into::into)
}
