//! Which frames are the application's own.
//!
//! Most events do not say, and browsers say "all of them"; grouping, culprit and mail all want to know. The
//! verdict is written into the event, so that every later reader sees the same one.

use error_sentinel_wire::{Object, Value};

/// Writes `in_app` into every frame of every stack of an event's JSON, old spellings included.
pub fn mark(event: &mut Value) {
    let Value::Object(event) = event else { return };
    let platform = event.get("platform").and_then(Value::as_str).unwrap_or_default().to_owned();
    for (key, value) in &mut event.0 {
        match key.as_str() {
            "stacktrace" | "sentry.interfaces.Stacktrace" => mark_stack(value, &platform),
            "exception" | "sentry.interfaces.Exception" | "threads" => mark_holders(value, &platform, true),
            _ => {}
        }
    }
}

/// A list of things with stacks, bare or under `values`, or one such thing.
fn mark_holders(value: &mut Value, platform: &str, may_nest: bool) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| mark_holders(item, platform, false)),
        Value::Object(object) => {
            for (key, value) in &mut object.0 {
                match key.as_str() {
                    "stacktrace" | "raw_stacktrace" => mark_stack(value, platform),
                    "values" if may_nest => mark_holders(value, platform, false),
                    _ => {}
                }
            }
        }
        _ => {}
    }
}

fn mark_stack(stack: &mut Value, platform: &str) {
    let frames = match stack {
        Value::Object(object) => object.0.iter_mut().find(|(key, _)| key == "frames").map(|(_, value)| value),
        Value::Array(_) => Some(stack),
        _ => None,
    };
    let Some(Value::Array(frames)) = frames else { return };
    for frame in frames {
        if let Value::Object(frame) = frame {
            let own = is_own(frame, platform);
            frame.set("in_app", own);
        }
    }
}

fn is_own(frame: &Object, platform: &str) -> bool {
    let text = |key| frame.get(key).and_then(Value::as_str).unwrap_or_default();
    let platform = Some(text("platform")).filter(|own| !own.is_empty()).unwrap_or(platform);
    let place = Place {
        function: text("function"),
        module: text("module"),
        package: text("package"),
        file: Some(text("abs_path")).filter(|path| !path.is_empty()).unwrap_or_else(|| text("filename")),
    };
    match frame.get("in_app") {
        Some(Value::Bool(false) | Value::Int(0)) => false,
        // A browser cannot know and says yes to everything.
        Some(Value::Bool(true) | Value::Int(1)) if platform != "javascript" => {
            !is_machinery(place.function, platform)
        }
        _ => !place.is_nowhere() && !place.is_library(platform),
    }
}

/// Where a frame is, as its sender wrote it.
struct Place<'a> {
    function: &'a str,
    module: &'a str,
    package: &'a str,
    file: &'a str,
}

/// Folders that hold other people's code, whatever the language.
const LIBRARY_FOLDERS: &[&str] = &[
    "/node_modules/",
    "/bower_components/",
    "/site-packages/",
    "/dist-packages/",
    "/vendor/",
    "/third-party/",
    "/third_party/",
    "/go/pkg/mod/",
    "/.cargo/registry/",
    "/.cargo/git/",
    "/rustc/",
    "/rustlib/",
    "/gems/",
    "/usr/include/",
    "/usr/lib/",
    "/lib/python",
    "/libexec/",
    "/Contents/Developer/",
    "/sysdeps/",
    "/glibc",
];

/// Beginnings of paths and URLs of code that came with the platform.
const LIBRARY_ORIGINS: &[&str] = &[
    "node:",
    "internal/",
    "native ",
    "[native",
    "<anonymous>",
    "<frozen ",
    "chrome-extension:",
    "moz-extension:",
    "safari-extension:",
    "safari-web-extension:",
    "webkit-masked-url:",
    "webpack/",
    "webpack:///webpack/",
    "/usr/local/go/src/",
    "/opt/hostedtoolcache/go/",
];

/// Hosts that serve only libraries.
const LIBRARY_HOSTS: &[&str] = &[
    "cdn.jsdelivr.net",
    "cdnjs.cloudflare.com",
    "unpkg.com",
    "ajax.googleapis.com",
    "code.jquery.com",
    "www.googletagmanager.com",
    "www.google-analytics.com",
    "connect.facebook.net",
    "js.stripe.com",
];

const JVM_PACKAGES: &[&str] = &[
    "java.",
    "javax.",
    "jakarta.",
    "jdk.",
    "sun.",
    "com.sun.",
    "kotlin.",
    "kotlinx.",
    "scala.",
    "clojure.",
    "groovy.",
    "android.",
    "androidx.",
    "dalvik.",
    "libcore.",
    "com.android.",
    "com.google.android.",
    "com.google.common.",
    "org.apache.",
    "org.springframework.",
    "org.hibernate.",
    "org.junit.",
    "org.eclipse.jetty.",
    "io.netty.",
    "io.reactivex.",
    "okhttp3.",
    "retrofit2.",
    "com.squareup.",
    "com.facebook.react.",
    "io.sentry.",
];

const DOTNET_NAMESPACES: &[&str] = &["System.", "Microsoft.", "Sentry.", "UnityEngine.", "Mono."];

/// Images that belong to an operating system.
const SYSTEM_IMAGES: &[&str] = &[
    "/System/",
    "/usr/lib/",
    "/usr/lib64/",
    "/lib/",
    "/lib64/",
    "/system/",
    "/apex/",
    "/vendor/lib",
    "/Library/Developer/",
    "/data/dalvik-cache/",
    "C:\\Windows\\",
    "linux-vdso",
    "linux-gate",
];

/// The same by name, where a sender leaves the folder out. Lower case, without suffix.
const SYSTEM_IMAGE_NAMES: &[&str] = &[
    "dyld",
    "dyld_sim",
    "corefoundation",
    "foundation",
    "uikit",
    "uikitcore",
    "appkit",
    "quartzcore",
    "swiftui",
    "graphicsservices",
    "attributegraph",
    "iokit",
    "webkit",
    "webcore",
    "javascriptcore",
    "cfnetwork",
    "audiotoolbox",
    "audiotoolboxcore",
    "iomobileframebuffer",
    "hitoolbox",
    "libobjc",
    "libdispatch",
    "ntdll",
    "kernel32",
    "kernelbase",
    "user32",
    "win32u",
    "gdi32",
    "ucrtbase",
    "msvcrt",
    "combase",
    "coremessaging",
    "libc",
    "libart",
    "libskia",
    "libgui",
    "libdvm",
    "libandroid_runtime",
    "libhwui",
    "libutils",
    "libbinder",
    "linker",
    "linker64",
    "libpthread",
    "libstdc++",
    "libm",
];

/// Beginnings of function names of compiled languages' libraries.
const NATIVE_LIBRARIES: &[&str] = &[
    "std::",
    "core::",
    "alloc::",
    "__rust_",
    "rust_",
    "__gnu_cxx::",
    "__cxa_",
    "__cxx",
    "__libc_",
    "__GI_",
    "__asan",
    "__ubsan",
    "__sanitizer",
    "__interceptor_",
    "boost::",
    "tokio::",
    "futures",
    "hashbrown::",
    "rayon",
    "swift_",
    "objc_",
    "_swift_",
    "-[NS",
    "+[NS",
    "-[UI",
    "+[UI",
    "__CF",
    "CF",
    "_dispatch_",
    "dispatch_",
    "backtrace::",
    "error_sentinel::",
    "sentry::",
    "sentry_",
];

impl Place<'_> {
    /// Nothing but an address: nobody can tell.
    fn is_nowhere(&self) -> bool {
        self.function.is_empty() && self.module.is_empty() && self.package.is_empty() && self.file.is_empty()
    }

    fn is_system_image(&self) -> bool {
        let name = self.package.rsplit(['/', '\\']).next().unwrap_or_default().to_ascii_lowercase();
        let stem = name.split('.').next().unwrap_or_default();
        SYSTEM_IMAGES.iter().any(|head| self.package.starts_with(head))
            || SYSTEM_IMAGE_NAMES.contains(&stem)
            || name.starts_with("libsystem_")
            || name.starts_with("libswift")
            || name.starts_with("vcruntime")
    }

    fn is_library(&self, platform: &str) -> bool {
        let starts = |text: &str, list: &[&str]| list.iter().any(|head| text.starts_with(head));
        if is_machinery(self.function, platform) || starts(self.file, LIBRARY_ORIGINS) {
            return true;
        }
        let file = self.file.replace('\\', "/");
        let below_root = file.strip_prefix("./").unwrap_or(&file);
        let in_folder = |folder: &&str| {
            file.contains(*folder)
                || folder
                    .strip_prefix('/')
                    .is_some_and(|head| below_root.starts_with(head) && head.ends_with('/'))
        };
        if LIBRARY_FOLDERS.iter().any(in_folder) {
            return true;
        }
        match platform {
            "java" | "android" | "kotlin" => starts(self.module, JVM_PACKAGES),
            "csharp" | "dotnet" => {
                let name = if self.module.is_empty() { self.function } else { self.module };
                starts(name, DOTNET_NAMESPACES) || starts(self.package, DOTNET_NAMESPACES)
            }
            "go" => is_go_library(self.module, &file),
            "javascript" | "node" => host(&file).is_some_and(|host| LIBRARY_HOSTS.contains(&host)),
            "python" => file.starts_with("/usr/lib/python") || file.contains("/lib/python"),
            "native" | "c" | "cpp" | "cocoa" | "objc" | "swift" | "rust" | "other" => {
                self.is_system_image()
                    || starts(self.function.trim_start_matches('<'), NATIVE_LIBRARIES)
                    || matches!(self.function, "??" | "<unknown>" | "<redacted>")
            }
            _ => false,
        }
    }
}

/// The standard library has packages without a dot in their first part: `net/http`, `runtime`; but so has
/// `main`, and a sender may leave the package out.
fn is_go_library(module: &str, file: &str) -> bool {
    if file.contains("/go/src/") && !file.contains("/go/src/github.com/") {
        return file.contains("/usr/") || file.contains("/libexec/") || file.contains("hostedtoolcache");
    }
    let root = module.split('/').next().unwrap_or_default();
    matches!(root, "runtime" | "net" | "reflect" | "sync" | "os" | "io" | "encoding" | "database" | "testing")
}

fn host(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    rest.split(['/', ':', '?']).next()
}

/// Functions that start a thread, throw, or carry a panic: never the place to look at.
fn is_machinery(function: &str, platform: &str) -> bool {
    if !matches!(platform, "native" | "c" | "cpp" | "cocoa" | "objc" | "swift" | "rust" | "other" | "") {
        return false;
    }
    const EXACT: &[&str] = &[
        "_start",
        "start",
        "__libc_start_main",
        "__libc_start_call_main",
        "start_thread",
        "_pthread_start",
        "thread_start",
        "clone",
        "clone3",
        "BaseThreadInitThunk",
        "RtlUserThreadStart",
        "abort",
        "raise",
        "gsignal",
        "__pthread_kill",
        "pthread_kill",
        "_CxxThrowException",
        "objc_exception_throw",
        "rust_begin_unwind",
        "rust_panic",
    ];
    EXACT.contains(&function)
        || function.starts_with("std::panicking::")
        || function.starts_with("core::panicking::")
        || function.starts_with("std::rt::")
}

#[cfg(test)]
mod tests {
    use super::*;
    use error_sentinel_wire::Event;
    use error_sentinel_wire::codec::decode_value;

    fn own(platform: &str, frame: &str) -> bool {
        let json = format!(
            r#"{{"platform":"{platform}","exception":{{"values":[{{"type":"E","stacktrace":{{"frames":[{frame}]}}}}]}}}}"#
        );
        let mut value = decode_value(json.as_bytes()).unwrap();
        mark(&mut value);
        let event = Event::from_value(value);
        event.exceptions[0].stacktrace.as_ref().unwrap().frames[0].in_app.unwrap()
    }

    #[test]
    fn library_code_is_told_from_the_applications_in_every_language() {
        for (platform, frame, expected) in [
            (
                "javascript",
                r#"{"abs_path":"https://shop.example/app.js","function":"pay","in_app":true}"#,
                true,
            ),
            ("javascript", r#"{"abs_path":"https://cdn.jsdelivr.net/npm/vue","in_app":true}"#, false),
            ("javascript", r#"{"abs_path":"webpack:///./node_modules/react/index.js","in_app":true}"#, false),
            ("javascript", r#"{"filename":"[native code]","function":"map"}"#, false),
            ("node", r#"{"filename":"node:internal/process/task_queues"}"#, false),
            ("node", r#"{"filename":"/srv/app/pay.js","function":"pay"}"#, true),
            ("python", r#"{"filename":"app/pay.py","abs_path":"/srv/app/pay.py"}"#, true),
            ("python", r#"{"abs_path":"/venv/lib/python3.12/site-packages/django/x.py"}"#, false),
            ("php", r#"{"filename":"/var/www/vendor/laravel/x.php"}"#, false),
            ("php", r#"{"filename":"vendor/laravel/x.php"}"#, false),
            ("java", r#"{"module":"com.example.Pay","function":"run"}"#, true),
            ("java", r#"{"module":"java.lang.Thread","function":"run"}"#, false),
            ("java", r#"{"module":"kotlin.collections.CollectionsKt","function":"first"}"#, false),
            ("go", r#"{"module":"main","abs_path":"/home/me/pay/main.go"}"#, true),
            (
                "go",
                r#"{"module":"example.com/x","abs_path":"/root/go/pkg/mod/example.com/x@v1/x.go"}"#,
                false,
            ),
            ("go", r#"{"module":"net/http","abs_path":"/usr/local/go/src/net/http/server.go"}"#, false),
            ("rust", r#"{"function":"shop::pay::charge","filename":"src/pay.rs"}"#, true),
            ("rust", r#"{"function":"core::result::unwrap_failed"}"#, false),
            ("rust", r#"{"function":"<core::option::Option<T> as x>::y"}"#, false),
            (
                "rust",
                r#"{"function":"serde_json::from_str","abs_path":"/root/.cargo/registry/src/x/de.rs"}"#,
                false,
            ),
            ("native", r#"{"function":"raise"}"#, false),
            ("native", r#"{"function":"parse","filename":"/src/parse.c"}"#, true),
            ("cocoa", r#"{"function":"objc_msgSend","package":"/usr/lib/libobjc.A.dylib"}"#, false),
            ("cocoa", r#"{"function":"UIApplicationMain","package":"UIKitCore"}"#, false),
            ("native", r#"{"function":"RtlFreeHeap","package":"C:\\Windows\\System32\\ntdll.dll"}"#, false),
            ("native", r#"{"function":"pay","package":"shop.exe"}"#, true),
            ("csharp", r#"{"module":"System.Linq.Enumerable","function":"First"}"#, false),
            ("crystal", r#"{"filename":"src/app.cr"}"#, true),
            ("native", r#"{"instruction_addr":"0x1234"}"#, false),
        ] {
            assert_eq!(own(platform, frame), expected, "{platform} {frame}");
        }
    }

    #[test]
    fn what_the_sender_worked_out_is_respected() {
        assert!(own("python", r#"{"filename":"/x/site-packages/ours/x.py","in_app":true}"#));
        assert!(!own("python", r#"{"filename":"/srv/app/generated.py","in_app":false}"#));
    }
}
