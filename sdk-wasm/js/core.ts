/**
 * The core, loaded and guarded: after a trap it is never called again.
 *
 * WebAssembly where the page's policy allows it, else the same Rust as plain JavaScript.
 */
import * as glue from './generated/core_bg.js';

/** What `src/boundary.rs` exports. */
export type Core = typeof glue;

/** Instantiates the module with the glue that knows its memory. */
export async function fromModule(source: Promise<Response> | Uint8Array<ArrayBuffer>): Promise<Core> {
  const imports = { './core_bg.js': glue as unknown as WebAssembly.ModuleImports };
  let instance: WebAssembly.Instance;
  if (source instanceof Promise) {
    const response = await source;
    if (!response.ok) throw new Error(`status ${response.status}`);
    try {
      ({ instance } = await WebAssembly.instantiateStreaming(response.clone(), imports));
    } catch {
      // A server that does not say application/wasm.
      ({ instance } = await WebAssembly.instantiate(await response.arrayBuffer(), imports));
    }
  } else {
    ({ instance } = await WebAssembly.instantiate(source, imports));
  }
  glue.__wbg_set_wasm(instance.exports as any);
  return glue;
}
