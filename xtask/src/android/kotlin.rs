//! The Kotlin half: its compiler and the framework's classes from Maven, and what is compiled by them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::{archive_of, folder};
use crate::program::Program;
use crate::repository;
use crate::toolbox::{Tool, is_newer};

/// Compiles and runs for the Java virtual machine.
const JDK: Tool = Tool { name: "javac", version_flag: "--version", package: "openjdk-17-jdk-headless" };
/// Fetches packages of Java's.
const MAVEN: Tool = Tool { name: "mvn", version_flag: "--version", package: "maven" };

const SOURCES: &str = "sdk-ffi/android/src/main/kotlin";

/// The library's classes.
pub fn classes_jar() -> PathBuf {
    folder().join("classes.jar")
}

/// Compiles the library.
pub fn compile_library(log: &Path) -> Result<()> {
    provide(log)?;
    let jar = classes_jar();
    let sources = kotlin_files(&repository().join(SOURCES))?;
    if is_newer(&jar, &sources) {
        return Ok(());
    }
    let classes = folder().join("classes");
    // So that an application's own compiler may be older; and lambdas are classes, as they are on every phone: a virtual
    // machine would make each of them when it is first met.
    let flags = "-Xexplicit-api=strict -module-name error_sentinel -language-version 2.0 -api-version 2.0 \
                 -Xlambdas=class -Xsam-conversions=class";
    compile(&sources, flags, &[], &classes, log)?;
    archive_of(&classes, &jar, log)
}

/// Compiles the program of the tests, and the examples' applications and what the README shows into it.
pub fn compile_harness(log: &Path) -> Result<()> {
    let mut sources = kotlin_files(&repository().join("tests/android"))?;
    sources.extend(kotlin_files(&repository().join("examples/android"))?);
    let readme = repository().join("sdk-ffi/android/README.md");
    let shown = folder().join("readme.kt");
    if !is_newer(&shown, std::slice::from_ref(&readme)) {
        fs::write(&shown, shown_in(&fs::read_to_string(&readme)?))?;
    }
    sources.push(shown);
    let classes = folder().join("harness");
    let marker = classes.join("compiled");
    let mut all = sources.clone();
    all.push(classes_jar());
    if is_newer(&marker, &all) {
        return Ok(());
    }
    // Tests see what is inside of a module, as those in it do.
    let flags = format!("-module-name harness -Xfriend-paths={}", classes_jar().display());
    compile(&sources, &flags, &[classes_jar()], &classes, log)?;
    fs::write(marker, "").map_err(Into::into)
}

/// The Kotlin of a page as a file of its own: classes as they are, statements in a function that has what they name.
fn shown_in(page: &str) -> String {
    let mut file =
        String::from("package readme\n\nimport android.app.Application\nimport io.github.errorsentinel.*\n");
    for (number, block) in page.split("```kotlin\n").skip(1).enumerate() {
        let code = block.split("```").next().unwrap_or(block);
        file += &match code.starts_with("class ") {
            true => format!("\n{code}"),
            false => format!(
                "\nfun shown{number}(context: Application, dsn: String, exception: Exception) {{\n{code}}}\n"
            ),
        };
    }
    file
}

/// Compiles sources against the framework, the standard library and `more`.
pub fn compile(sources: &[PathBuf], flags: &str, more: &[PathBuf], to: &Path, log: &Path) -> Result<()> {
    if to.exists() {
        fs::remove_dir_all(to)?;
    }
    let jars = jars()?;
    let is_framework = |jar: &PathBuf| named(jar, "android-all");
    let compiler: Vec<_> = jars.iter().filter(|jar| !is_framework(jar)).cloned().collect();
    let mut class_path: Vec<_> =
        jars.iter().filter(|jar| is_framework(jar) || named(jar, "kotlin-stdlib")).cloned().collect();
    class_path.extend_from_slice(more);
    let mut kotlinc = Program::new("java")
        .words("-cp")
        .argument(joined(&compiler))
        .words("org.jetbrains.kotlin.cli.jvm.K2JVMCompiler -no-stdlib -no-reflect -jvm-target 1.8 -Werror")
        .words(flags)
        .words("-cp")
        .argument(joined(&class_path))
        .words("-d")
        .argument(to);
    for source in sources {
        kotlinc = kotlinc.argument(source);
    }
    kotlinc.done(log).map(drop)
}

/// Fetches the compiler and the framework, unless they are there.
fn provide(log: &Path) -> Result<()> {
    for tool in [JDK, MAVEN] {
        if !tool.provide(log) {
            bail!(
                "{} is missing and cannot be installed here; install it: {}",
                tool.name,
                tool.install_command()
            );
        }
    }
    provide_jars(&repository().join("tests/android/pom.xml"), &folder().join("jars"), log)
}

/// Copies what `pom` depends on to a folder, unless it is there.
pub fn provide_jars(pom: &Path, jars: &Path, log: &Path) -> Result<()> {
    let wanted = fs::read_to_string(pom)?;
    let marker = jars.join("installed.xml");
    if fs::read_to_string(&marker).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    if jars.exists() {
        fs::remove_dir_all(jars)?;
    }
    let maven = Program::new("mvn")
        .words("--quiet --batch-mode --file")
        .argument(pom)
        .words("dependency:copy-dependencies")
        .argument(format!("-DoutputDirectory={}", jars.display()));
    maven.done(log)?;
    fs::write(marker, wanted)?;
    Ok(())
}

fn jars() -> Result<Vec<PathBuf>> {
    jars_in(&folder().join("jars"))
}

/// The jars of a folder, in order.
pub fn jars_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut jars = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "jar") {
            jars.push(path);
        }
    }
    jars.sort();
    Ok(jars)
}

/// Whether the name of a jar begins so.
pub fn named(jar: &Path, start: &str) -> bool {
    jar.file_name().is_some_and(|name| name.to_string_lossy().starts_with(start))
}

/// Paths as one class path.
pub fn joined(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(":")
}

/// All sources in Kotlin under a folder.
pub fn kotlin_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(kotlin_files(&path)?);
        } else if path.extension().is_some_and(|ending| ending == "kt") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_page_shows_becomes_a_file() {
        let page = "Text\n\n```kotlin\nclass Shop\n```\n\n```sh\nls\n```\n\n```kotlin\nopen(context)\n```\n";
        let file = shown_in(page);
        assert!(
            file.contains("\nclass Shop\n\nfun shown1(") && file.ends_with("\nopen(context)\n}\n"),
            "{file}"
        );
        assert!(!file.contains("ls\n"), "{file}");
    }
}
