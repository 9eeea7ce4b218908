//! Debug ids: which build of a bundle a frame comes from, so that its source map can be found later.
//!
//! Bundler plugins write a line into each bundle that notes its id under a stack taken there; the innermost frame
//! of that stack names the bundle. The same plugins serve every tracker of this protocol.

use alloc::string::String;
use alloc::vec::Vec;

use error_sentinel_wire::codec::push_decimal;
use error_sentinel_wire::{Object, Value};

use crate::stack::parse_stack;

/// The bundles whose id is known, by URL.
#[derive(Debug, Default)]
pub struct DebugIds {
    bundles: Vec<(String, String)>,
}

impl DebugIds {
    /// Most bundles remembered; a page that makes more up gets no more.
    const COUNT_MAX: usize = 256;

    /// Notes the id that was left under `stack`.
    pub fn add(&mut self, stack: &str, debug_id: &str) {
        let innermost = parse_stack(stack, "", 0).pop();
        let Some(url) = innermost.as_ref().and_then(|frame| frame.get("filename")?.as_str()) else { return };
        if self.bundles.len() < Self::COUNT_MAX && self.id_of(url).is_none() {
            self.bundles.push((url.into(), debug_id.into()));
        }
    }

    fn id_of(&self, url: &str) -> Option<&str> {
        self.bundles.iter().find(|(bundle, _)| bundle == url).map(|(_, id)| id.as_str())
    }

    /// The images that the frames of `event` refer to: bundles with their ids, and WebAssembly modules, whose
    /// frames are told their number.
    pub fn images(&self, event: &mut Object) -> Vec<Value> {
        let mut images: Vec<Value> = Vec::new();
        for frame in frames(event) {
            let Some(url) = frame.get("filename").and_then(Value::as_str) else { continue };
            let is_wasm = frame.get("platform").is_some();
            let is_of = |image: &Value| image.get("code_file").and_then(Value::as_str) == Some(url);
            let index = match images.iter().position(is_of) {
                Some(index) => index,
                None => {
                    let id = self.id_of(url);
                    if id.is_none() && !is_wasm {
                        continue;
                    }
                    images.push(image(if is_wasm { "wasm" } else { "sourcemap" }, url, id));
                    images.len() - 1
                }
            };
            if is_wasm && frame.get("instruction_addr").is_some() {
                let mut mode = String::from("rel:");
                push_decimal(&mut mode, index as u64);
                frame.0.push(("addr_mode".into(), Value::String(mode)));
            }
        }
        images
    }
}

fn image(kind: &str, url: &str, debug_id: Option<&str>) -> Value {
    let mut image = Object::default();
    image.set("type", kind);
    image.set("code_file", url);
    if let Some(id) = debug_id {
        image.set("debug_id", id);
    }
    Value::Object(image)
}

/// The frames of all exceptions of an event.
fn frames(event: &mut Object) -> impl Iterator<Item = &mut Object> {
    let chain = event.get_mut("exception").and_then(|chain| list(chain, "values"));
    let stacks = chain.into_iter().flatten().filter_map(|exception| part(exception, "stacktrace"));
    stacks.filter_map(|stack| list(stack, "frames")).flatten().filter_map(|frame| match frame {
        Value::Object(frame) => Some(frame),
        _ => None,
    })
}

fn part<'a>(value: &'a mut Value, key: &str) -> Option<&'a mut Value> {
    match value {
        Value::Object(object) => object.get_mut(key),
        _ => None,
    }
}

fn list<'a>(value: &'a mut Value, key: &str) -> Option<&'a mut Vec<Value>> {
    match part(value, key)? {
        Value::Array(items) => Some(items),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::parse_object;
    use alloc::format;

    fn thrown(stack: &str) -> Object {
        let exception = format!("{{\u{1f}kstacktrace\u{1f}x0{stack}\u{1f}]\u{1f}");
        parse_object(&format!(
            "{{\u{1f}kexception\u{1f}{{\u{1f}kvalues\u{1f}[\u{1f}{exception}]\u{1f}]\u{1f}]\u{1f}"
        ))
    }

    #[test]
    fn only_bundles_of_the_stack_are_named() {
        let mut ids = DebugIds::default();
        ids.add("Error\n    at https://a.example/app.js:1:20", "0b0c2f1e-0000-4000-8000-000000000001");
        ids.add("Error\n    at https://a.example/other.js:1:20", "0b0c2f1e-0000-4000-8000-000000000002");
        let mut event =
            thrown("Error\n    at f (https://a.example/app.js:7:8)\n    at https://a.example/x.js:1:1");
        let images = ids.images(&mut event);
        assert_eq!(images.len(), 1);
        assert_eq!(
            images[0].get("debug_id").and_then(Value::as_str),
            Some("0b0c2f1e-0000-4000-8000-000000000001")
        );
        assert_eq!(images[0].get("type").and_then(Value::as_str), Some("sourcemap"));
    }

    #[test]
    fn a_frame_of_a_module_names_its_image() {
        let mut event = thrown(
            "Error\n    at sum (https://a.example/m.wasm:wasm-function[3]:0x2a)\n    at https://a.example/x.js:1:1",
        );
        let images = DebugIds::default().images(&mut event);
        assert_eq!(images[0].get("type").and_then(Value::as_str), Some("wasm"));
        let frame = frames(&mut event).last().unwrap();
        assert_eq!(frame.get("addr_mode"), Some(&Value::from("rel:0")));
        assert_eq!(frame.get("instruction_addr"), Some(&Value::from("0x2a")));
    }
}
