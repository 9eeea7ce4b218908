/**
 * The alarm that tells a team its web page is breaking: one line, `sendAlert(error)`.
 *
 * ```js
 * import { init, sendAlert } from '@error-sentinel/browser';
 * init({ dsn: 'https://KEY@errors.example.com/1', release: 'shop@1.4.2' });
 * ```
 */
import { Sentinel } from './api.js';
import { fromModule } from './core.js';
import wasm from './generated/core.wasm';
import type { AlertOptions, Breadcrumb, Options, User } from './options.js';

export type * from './options.js';

const makeCore = () =>
  fromModule(wasm).catch(() => import('./asm.js').then(() => (globalThis as any).__errorSentinelCore));

/** A page that has the script tag too, or two copies of this package, listens at its doors once. */
const mark = Symbol.for('error-sentinel');
const sentinel: Sentinel = ((globalThis as any)[mark] ??= new Sentinel(makeCore));

/** Starts reporting. */
export const init = (options?: Options): void => sentinel.init(options);
/** Reports an error, or anything else, and returns the id under which the collector shows it. */
export const sendAlert = (error: unknown, options?: AlertOptions): string => sentinel.sendAlert(error, options);
/** Remembers one step; the last ones travel with every alert. */
export const addBreadcrumb = (crumb: Breadcrumb | string): void => sentinel.addBreadcrumb(crumb);
/** Says whose work every alert from now on is about; `null` when nobody's. */
export const setUser = (user: User | null): void => sentinel.setUser(user);
/** Labels every alert from now on. */
export const setTag = (key: string, value: unknown): void => sentinel.setTag(key, value);
/** Waits until everything reported so far has left, at most `timeoutMs`; says whether it has. */
export const flush = (timeoutMs?: number): Promise<boolean> => sentinel.flush(timeoutMs);
