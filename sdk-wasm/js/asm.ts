/** The core as plain JavaScript, for pages whose policy forbids WebAssembly. */
import * as glue from './generated/core_bg.js';
import * as module from './generated/core_asm.js';

glue.__wbg_set_wasm(module);
(globalThis as any).__errorSentinelCore = glue;
