//! The boundary: what the script may call, in texts, bytes and numbers only; see [`Page`] for what each does.
//!
//! Nothing here calls back into the script, so no call can find the page's state half way through another. There is
//! one page, and it is never taken apart: handles to it and their release would be downloaded for nothing.

use alloc::string::String;
use alloc::vec::Vec;

use spin::Mutex;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::page::Page;

static PAGE: Mutex<Option<Page>> = Mutex::new(None);

/// Lets `work` do with the page what it likes; before [`start`] there is none to do it with, and after a trap the lock
/// is held for ever.
fn with<T: Default>(work: impl FnOnce(&mut Page) -> T) -> T {
    PAGE.try_lock().and_then(|mut page| page.as_mut().map(work)).unwrap_or_default()
}

/// [`Page::new`]
#[wasm_bindgen]
pub fn start(steps_count: usize, seed: f64) {
    if let Some(mut page) = PAGE.try_lock() {
        page.get_or_insert_with(|| Page::new(steps_count, seed));
    }
}

/// [`Page::add_breadcrumb`]
#[wasm_bindgen]
pub fn add_breadcrumb(step: String) {
    with(|page| page.add_breadcrumb(step))
}

/// [`Page::add_debug_id`]
#[wasm_bindgen]
pub fn add_debug_id(stack: &str, debug_id: &str) {
    with(|page| page.add_debug_id(stack, debug_id))
}

/// [`Page::capture`]
#[wasm_bindgen]
pub fn capture(event: &str, looks: &str, count: u32, now_ms: f64, time_ms: f64) -> bool {
    with(|page| page.capture(event, looks, count, now_ms, time_ms))
}

/// [`Page::prepare`]
#[wasm_bindgen]
pub fn prepare(now_ms: f64) -> Vec<u8> {
    with(|page| page.prepare(now_ms))
}

/// [`Page::submit`]
#[wasm_bindgen]
pub fn submit(json: String, now_ms: f64) {
    with(|page| page.submit(json, now_ms))
}

/// [`Page::lose`]
#[wasm_bindgen]
pub fn lose(count: u32) {
    with(|page| page.lose(count))
}

/// [`Page::poll`]
#[wasm_bindgen]
pub fn poll(now_ms: f64, time_ms: f64) -> Vec<u8> {
    with(|page| page.poll(now_ms, time_ms))
}

/// [`Page::wait_ms`]
#[wasm_bindgen]
pub fn wait_ms(now_ms: f64) -> f64 {
    with(|page| page.wait_ms(now_ms))
}

/// [`Page::handle_reply`]
#[wasm_bindgen]
pub fn handle_reply(status: u16, headers: &str, now_ms: f64) {
    with(|page| page.handle_reply(status, headers, now_ms))
}

/// [`Page::handle_handed_on`]
#[wasm_bindgen]
pub fn handle_handed_on(now_ms: f64) {
    with(|page| page.handle_handed_on(now_ms))
}

/// [`Page::handle_failure`]
#[wasm_bindgen]
pub fn handle_failure(now_ms: f64) {
    with(|page| page.handle_failure(now_ms))
}

/// [`Page::hand_over`]
#[wasm_bindgen]
pub fn hand_over(now_ms: f64) -> bool {
    with(|page| page.hand_over(now_ms))
}

/// [`Page::hurry`]
#[wasm_bindgen]
pub fn hurry(now_ms: f64) {
    with(|page| page.hurry(now_ms))
}
