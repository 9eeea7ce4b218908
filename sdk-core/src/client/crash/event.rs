//! From the record of a crash to the event that tells of it.

use error_sentinel_crash::{LoadedModule, Module, Record, StepRead};
use error_sentinel_wire::codec::decode_value;
use error_sentinel_wire::{
    Breadcrumb, Event, EventId, Exception, Frame, Level, Mechanism, Object, Stacktrace, Thread, UnixMs,
    Value, limits,
};

use super::LEVELS;
use super::names::{Names, is_application};

/// Folders of libraries that are the system's.
const SYSTEM: [&str; 6] = ["/lib", "/usr/lib", "/system/", "/apex/", "/vendor/", "linux-vdso"];
/// Where Android keeps what was installed.
const INSTALLED: &str = "/data/app/";

/// The event of a crash.
pub fn event_of(event_id: EventId, record: &Record, loaded: &[LoadedModule], names: &mut Names) -> Event {
    let facts = decode_value(&record.facts).map(Event::from_value).unwrap_or_default();
    let (name, words) = signal(record.signal);
    let mut meta = Object::default();
    meta.set("number", i64::from(record.signal));
    meta.set("code", i64::from(record.code));
    meta.set("name", name);
    let mut signal = Object::default();
    signal.set("signal", meta);
    let addressed = record.code > 0 && name != "SIGABRT";
    let mechanism = Mechanism {
        kind: "signalhandler".to_owned(),
        handled: Some(false),
        synthetic: Some(true),
        meta: signal,
        ..Mechanism::default()
    };
    let exception = Exception {
        kind: Some(name.to_owned()),
        value: Some(match addressed {
            true => format!("{words} at {:#x}", record.fault_address),
            false => words.to_owned(),
        }),
        thread_id: Some(record.thread.to_string()),
        mechanism: Some(mechanism),
        stacktrace: Some(stack_of(record, loaded, names)),
        ..Exception::default()
    };
    let thread = Thread {
        id: Some(record.thread.to_string()),
        name: Some(record.thread_name.clone()).filter(|name| !name.is_empty()),
        crashed: Some(true),
        current: Some(true),
        ..Thread::default()
    };
    let mut contexts = facts.contexts;
    let evicted_count = record.step_count.saturating_sub(record.steps.len() as u64);
    if evicted_count > 0 {
        let mut steps = Object::default();
        steps.set("evicted_count", evicted_count);
        contexts.set("breadcrumbs", steps);
    }
    Event {
        event_id: Some(event_id),
        timestamp: Some(UnixMs(record.at_ms)),
        level: Some(Level::Fatal),
        platform: Some("native".to_owned()),
        exceptions: vec![exception],
        threads: vec![thread],
        breadcrumbs: record.steps.iter().map(breadcrumb).collect(),
        images: record.modules.iter().map(image).collect(),
        contexts,
        ..facts
    }
}

/// The name of a signal, and what it is in words.
fn signal(number: i32) -> (&'static str, &'static str) {
    // The same numbers on every system and processor that has records.
    match number {
        4 => ("SIGILL", "illegal instruction"),
        6 => ("SIGABRT", "the program aborted"),
        7 => ("SIGBUS", "memory that cannot be read"),
        8 => ("SIGFPE", "impossible arithmetic"),
        11 => ("SIGSEGV", "invalid memory access"),
        _ => ("signal", "a signal of another kind"),
    }
}

fn stack_of(record: &Record, loaded: &[LoadedModule], names: &mut Names) -> Stacktrace {
    let mut frames = Vec::new();
    for (depth, address) in record.addresses(loaded, limits::FRAMES).into_iter().enumerate() {
        let module = record.module_at(address);
        // What `frames` looks for is the call before an address; the newest is no call.
        let place = if depth == 0 { address.saturating_add(1) } else { address };
        let here = record.relocated(place, loaded).and_then(|place| usize::try_from(place).ok());
        let mut named = here.map(|here| names.frames(here).to_vec()).unwrap_or_default();
        if named.is_empty() {
            named.push(Frame::default());
        }
        frames.extend(named.into_iter().map(|frame| Frame {
            instruction_addr: Some(format!("{address:#x}")),
            image_addr: module.map(|module| format!("{:#x}", module.base)),
            package: module.map(|module| module.path.clone()).filter(|path| !path.is_empty()),
            in_app: is_in_app(frame.function.as_deref(), module, record.modules.first()),
            ..frame
        }));
    }
    frames.truncate(limits::FRAMES);
    frames.reverse();
    let mut registers = Object::default();
    for register in &record.registers {
        registers.set(register.name, format!("{:#x}", register.value));
    }
    Stacktrace { frames, registers }
}

/// Whether a function is the application's own; `None` where that cannot be told.
fn is_in_app(function: Option<&str>, module: Option<&Module>, program: Option<&Module>) -> Option<bool> {
    let module = module?;
    if SYSTEM.iter().any(|folder| module.path.starts_with(folder)) {
        return Some(false);
    }
    if module.path.starts_with(INSTALLED) {
        return Some(true);
    }
    match function {
        Some(name) if name.contains("::") => Some(is_application(name)),
        Some(name) if Some(module) == program => Some(!name.starts_with('_')),
        _ => None,
    }
}

fn breadcrumb(step: &StepRead) -> Breadcrumb {
    let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let level = usize::from(step.level).checked_sub(1).and_then(|at| LEVELS.get(at));
    let data = decode_value(step.data.as_bytes()).map(Value::into_object).unwrap_or_default();
    Breadcrumb {
        timestamp: Some(UnixMs(step.at_ms)),
        kind: given(&step.kind),
        category: given(&step.category),
        message: given(&step.message),
        level: level.copied(),
        data,
    }
}

/// A module as servers look for its symbols: by the name that the linker gave it, and by the first 16 bytes of that in
/// the order of a Windows GUID.
fn image(module: &Module) -> Value {
    let mut image = Object::default();
    image.set("type", "elf");
    image.set("code_file", module.path.as_str());
    image.set("image_addr", format!("{:#x}", module.base));
    image.set("image_size", module.size);
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    if !module.identity.is_empty() {
        image.set("code_id", hex(&module.identity));
        let mut id = module.identity.clone();
        id.resize(16, 0);
        for part in [0..4, 4..6, 6..8] {
            if let Some(part) = id.get_mut(part) {
                part.reverse();
            }
        }
        let part = |range: std::ops::Range<usize>| hex(id.get(range).unwrap_or_default());
        let parts = [part(0..4), part(4..6), part(6..8), part(8..10), part(10..16)];
        image.set("debug_id", parts.join("-"));
    }
    Value::Object(image)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_has_the_id_by_which_servers_know_it() {
        let module = Module { base: 0x1000, size: 8, identity: (1..=20).collect(), path: "/app".into() };
        let Value::Object(image) = image(&module) else { panic!("an object") };
        assert_eq!(
            image.get("debug_id").and_then(Value::as_str),
            Some("04030201-0605-0807-090a-0b0c0d0e0f10")
        );
        assert_eq!(image.get("image_addr").and_then(Value::as_str), Some("0x1000"));
    }

    #[test]
    fn what_belongs_to_the_system_is_not_the_applications() {
        let module = |path: &str| Module { base: 0, size: 1, identity: Vec::new(), path: path.into() };
        let (program, libc, plugin) =
            (module("/app"), module("/usr/lib/libc.so.6"), module("/opt/plugin.so"));
        let (installed, art) = (
            module("/data/app/shop/base.apk!/lib/libshop.so"),
            module("/apex/com.android.art/lib64/libart.so"),
        );
        for (function, module, expected) in [
            (Some("main"), &program, Some(true)),
            (Some("_start"), &program, Some(false)),
            (Some("shop::pay"), &program, Some(true)),
            (Some("std::rt::lang_start"), &program, Some(false)),
            (Some("abort"), &libc, Some(false)),
            (None, &plugin, None),
            (None, &installed, Some(true)),
            (Some("Java_shop_Till_pay"), &installed, Some(true)),
            (Some("art_quick_generic_jni_trampoline"), &art, Some(false)),
        ] {
            assert_eq!(is_in_app(function, Some(module), Some(&program)), expected, "{function:?}");
        }
        assert_eq!(is_in_app(Some("main"), None, Some(&program)), None);
    }
}
