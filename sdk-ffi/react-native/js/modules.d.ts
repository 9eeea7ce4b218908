declare module 'promise/setimmediate/core.js' {
  const promise: PromiseConstructor;
  export default promise;
}

declare module 'promise/setimmediate/rejection-tracking.js' {
  export function enable(options: {
    allRejections: boolean;
    onUnhandled(id: number, reason: unknown): void;
    onHandled(id: number): void;
  }): void;
  const tracking: { enable: typeof enable };
  export default tracking;
}

declare module '*/dist/asm.js';

/** The browser SDK's core, as its build generates it. */
declare module '*/generated/core_bg.js' {
  export function start(stepsCount: number, seed: number): void;
  export function add_breadcrumb(step: string): void;
  export function capture(event: string, looks: string, count: number, nowMs: number, timeMs: number): boolean;
  export function prepare(nowMs: number): Uint8Array;
  export function submit(json: string, nowMs: number): void;
  export function lose(count: number): void;
  export function poll(nowMs: number, timeMs: number): Uint8Array;
  export function wait_ms(nowMs: number): number;
  export function handle_reply(status: number, headers: string, nowMs: number): void;
  export function handle_handed_on(nowMs: number): void;
  export function handle_failure(nowMs: number): void;
  export function hand_over(nowMs: number): boolean;
  export function hurry(nowMs: number): void;
  export function __wbg_set_wasm(exports: unknown): void;
}
