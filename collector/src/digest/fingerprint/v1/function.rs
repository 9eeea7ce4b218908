//! Names of functions without what compilers, runtimes and proxies put into them.

/// Cleans the name of a function of `platform`; empty when it names nothing.
pub fn clean(function: &str, platform: &str) -> String {
    let name = function.trim();
    if matches!(name, "" | "?" | "??" | "<unknown>" | "<redacted>" | "<anonymous>" | "anonymous") {
        return String::new();
    }
    match platform {
        "javascript" | "node" => script(name),
        "java" | "android" | "kotlin" => without_numbers(name),
        "rust" | "native" | "c" | "cpp" | "cocoa" | "objc" | "swift" => compiled(name),
        "php" => php(name),
        "ruby" => ruby(name),
        "csharp" | "dotnet" => without_numbers(name),
        "go" => go(name),
        "other" if name.contains("::") => compiled(name),
        _ => name.to_owned(),
    }
}

/// Engines agree only on what stands after the last dot.
fn script(name: &str) -> String {
    let name = name.strip_prefix("async ").unwrap_or(name);
    let name = name.strip_prefix("new ").unwrap_or(name);
    let name = name.split(" [as ").next().unwrap_or(name);
    let name = name.trim_end_matches("()");
    let last = name.rsplit(['.', '/', '#']).next().unwrap_or(name).trim();
    const NOTHING: &[&str] = &[
        "",
        "<",
        "?",
        "<anonymous>",
        "anonymous",
        "{anonymous}",
        "(anonymous)",
        "(anonymous function)",
        "Anonymous function",
        "anonymous function",
        "global code",
        "Global code",
        "module code",
        "eval code",
        "eval",
    ];
    if NOTHING.contains(&last) || last.ends_with('<') { String::new() } else { last.to_owned() }
}

/// Rust, C++, Swift, Objective-C: the path, without arguments, generics, hashes and closures.
fn compiled(name: &str) -> String {
    if name.starts_with("-[") || name.starts_with("+[") {
        return name.to_owned();
    }
    let name = strip_hash(name);
    let name =
        name.replace("(anonymous namespace)", "{anonymous}").replace("`anonymous namespace'", "{anonymous}");
    let name = match name.strip_prefix('<').and_then(split_qualified) {
        // `<shop::Cart as core::ops::Drop>::drop` names the type whose method it is.
        Some((kind, rest)) => format!("{kind}{rest}"),
        None => name,
    };
    let name = without_brackets(&name);
    let name = name.split("[abi:").next().unwrap_or(&name);
    let parts = name.split("::").map(str::trim);
    let parts = parts.filter(|part| !part.is_empty() && !part.starts_with("{{") && !is_compiler_made(part));
    parts.collect::<Vec<_>>().join("::")
}

fn is_compiler_made(part: &str) -> bool {
    ["{closure", "{impl#", "{shim", "{async", "{lambda", "$_", "<lambda"]
        .iter()
        .any(|head| part.starts_with(head))
}

/// `::h` and 16 hexadecimal digits, or LLVM's `.llvm.123`.
fn strip_hash(name: &str) -> &str {
    let name = name.split(".llvm.").next().unwrap_or(name);
    match name.rsplit_once("::h") {
        Some((head, hash)) if hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) => head,
        _ => name,
    }
}

/// `Type as Trait>::rest` → (`Type`, `::rest`).
fn split_qualified(name: &str) -> Option<(&str, &str)> {
    let mut depth = 1usize;
    for (at, byte) in name.bytes().enumerate() {
        match byte {
            b'<' => depth += 1,
            // Not the arrow of a function's type.
            b'>' if !name[..at].ends_with('-') => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            let kind = name[..at].split(" as ").next().unwrap_or_default();
            return Some((kind, &name[at + 1..]));
        }
    }
    None
}

/// Drops `<…>` and everything from the list of arguments on; `operator<` and `operator()` keep theirs.
fn without_brackets(name: &str) -> String {
    let mut kept = String::with_capacity(name.len());
    let mut depth = 0usize;
    let mut before = '\0';
    for letter in name.chars() {
        match letter {
            '<' if depth > 0 || !kept.ends_with("operator") && !kept.ends_with("operator<") => depth += 1,
            '>' if depth > 0 && before == '-' => {}
            '>' if depth > 0 => depth -= 1,
            '(' if depth == 0 && !kept.ends_with("operator") => break,
            _ if depth == 0 => kept.push(letter),
            _ => {}
        }
        before = letter;
    }
    let kept = kept.trim_end_matches(" const").trim();
    // A return type stands before the name of a template: `void ns::f<int>`.
    match kept.rsplit_once(' ') {
        Some((_, last)) if !kept.contains("operator") && last.contains("::") => last.to_owned(),
        _ => kept.to_owned(),
    }
}

/// Numbers that runtimes hand out: `$$Lambda$12/0x0f`, `GeneratedMethodAccessor7`, `$Proxy31`,
/// `Foo$$EnhancerByCGLIB$$1a2b`, `lambda$main$0`, `<>c__DisplayClass4_0`.
pub fn without_numbers(name: &str) -> String {
    let name = name
        .split("$$Lambda")
        .next()
        .map_or(name, |head| if head.len() < name.len() { &name[..head.len() + 8] } else { name });
    let mut kept = String::with_capacity(name.len());
    for (at, part) in name.split('$').enumerate() {
        let is_hash = part.len() >= 6 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
        if at > 0 {
            kept.push('$');
        }
        let generated = at > 0
            || ["Accessor", "DisplayClass", "d__", "b__", "Proxy"].iter().any(|mark| part.contains(mark));
        if is_hash && at > 0 {
            continue;
        }
        if generated {
            kept.extend(part.chars().filter(|letter| !letter.is_ascii_digit()));
        } else {
            kept.push_str(part);
        }
    }
    kept
}

/// An anonymous class is named after its file, with a NUL between; a closure after its namespace.
fn php(name: &str) -> String {
    let name = name.split('\0').next().unwrap_or(name);
    match name.find("class@anonymous") {
        Some(at) => {
            let method = name.rsplit_once("::").map_or("", |(_, method)| method);
            format!("{}class@anonymous::{method}", &name[..at])
        }
        None => name.to_owned(),
    }
}

/// `block (2 levels) in pay` → `block in pay`; ERB methods carry ids.
fn ruby(name: &str) -> String {
    let name = match name.rsplit_once(" in ") {
        Some((head, method)) if head.starts_with("block") => format!("block in {method}"),
        _ => name.to_owned(),
    };
    match name.find("__") {
        Some(at) if name.starts_with('_') => name[..at].to_owned(),
        _ => name,
    }
}

/// `handler.func1.2` → `handler.func`: closures are numbered in the order in which they stand.
fn go(name: &str) -> String {
    let parts = name.split('.').map(|part| match part.strip_prefix("func") {
        Some(number) if number.bytes().all(|byte| byte.is_ascii_digit()) => "func",
        _ => part.split("[...]").next().unwrap_or(part),
    });
    let parts = parts.filter(|part| part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_digit()));
    parts.collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_lose_what_changes_from_build_to_build() {
        for (platform, name, expected) in [
            ("rust", "shop::pay::charge::h0123456789abcdef", "shop::pay::charge"),
            ("rust", "shop::pay::{{closure}}::h0123456789abcdef", "shop::pay"),
            ("rust", "shop::pay::{closure#0}", "shop::pay"),
            ("rust", "shop::Cart<alloc::vec::Vec<u8>>::add", "shop::Cart::add"),
            ("rust", "<shop::Cart<T> as core::ops::Drop>::drop", "shop::Cart::drop"),
            ("rust", "<F as core::ops::FnOnce<(A,)>>::call_once::h0123456789abcdef", "F::call_once"),
            ("rust", "shop::run::<fn() -> u8>", "shop::run"),
            ("native", "void ns::Doc<int>::read(char const*) const", "ns::Doc::read"),
            ("native", "(anonymous namespace)::decrypt(std::vector<int>)", "{anonymous}::decrypt"),
            ("native", "ns::`anonymous namespace'::convert<T>", "ns::{anonymous}::convert"),
            ("native", "Foo::operator<(Foo const&)", "Foo::operator<"),
            ("native", "Foo::operator()(int)", "Foo::operator()"),
            ("cocoa", "-[Cart add:count:]", "-[Cart add:count:]"),
            ("java", "lambda$main$0", "lambda$main$"),
            ("java", "com.x.Pay$$Lambda$14/0x000000080", "com.x.Pay$$Lambda"),
            ("java", "com.x.Pay$$EnhancerByCGLIB$$1a2b3c4d", "com.x.Pay$$EnhancerByCGLIB$$"),
            ("java", "GeneratedMethodAccessor17", "GeneratedMethodAccessor"),
            ("java", "toBase64", "toBase64"),
            ("csharp", "<Pay>b__4_0", "<Pay>b___"),
            ("javascript", "Object.callback", "callback"),
            ("javascript", "Foo.prototype.testMethod", "testMethod"),
            ("javascript", "test/<", ""),
            ("javascript", "Anonymous function", ""),
            ("javascript", "async Promise.all (index 0)", "all (index 0)"),
            ("javascript", "Cart.add [as onClick]", "add"),
            ("php", "class@anonymous\0/var/www/x.php:12$0", "class@anonymous::"),
            ("ruby", "block (2 levels) in pay", "block in pay"),
            ("go", "(*Server).Serve.func1.2", "(*Server).Serve.func"),
            ("python", "<lambda>", "<lambda>"),
        ] {
            assert_eq!(clean(name, platform), expected, "{platform} {name}");
        }
    }

    proptest! {
        #[test]
        fn any_name_is_cleaned_without_panic(name in "\\PC{0,60}", at in 0usize..7) {
            let platform = ["rust", "native", "java", "javascript", "php", "ruby", "go"][at];
            prop_assert!(clean(&name, platform).len() <= name.len() + 64);
        }
    }
}
