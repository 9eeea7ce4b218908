//! What the standard library would bring, an allocator and a panic handler, for a tenth of its size.

use lol_alloc::{AssumeSingleThreaded, FreeListAllocator};

// SAFETY: a module without shared memory has one thread; the build never turns the feature `atomics` on.
#[allow(unsafe_code, reason = "the allocator's constructor is unsafe")]
#[global_allocator]
static ALLOCATOR: AssumeSingleThreaded<FreeListAllocator> =
    unsafe { AssumeSingleThreaded::new(FreeListAllocator::new()) };

/// The script catches the trap and never calls again. A message would keep its formatting code in the download.
#[panic_handler]
fn trap(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
