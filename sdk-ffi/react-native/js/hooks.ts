/**
 * Where the SDK listens: every hook calls what it replaces, in the same way and with the same result.
 *
 * React Native tells one error in several places: it hands an uncaught one to the global handler, which logs it by
 * `console.error`, then throws it again in the application's own language. Each is reported once, by the first.
 */
import ReactNativePromise from 'promise/setimmediate/core.js';
import tracking from 'promise/setimmediate/rejection-tracking.js';
import { isError } from '../../../sdk-wasm/js/exception.js';
import { textOf } from '../../../sdk-wasm/js/record.js';
import type { Client } from './client.js';
import type { Hooks } from './options.js';

const world: any = globalThis;

export function install(client: Client): void {
  const hooks: Hooks = client.options.hooks ?? {};
  if (hooks.errors !== false) installErrors(client);
  if (hooks.rejections !== false) client.run(() => installRejections(client));
  if (hooks.console !== false) installConsole(client);
}

/** React Native's handler of what nobody caught. */
function installErrors(client: Client): void {
  const utils = world.ErrorUtils;
  if (!utils?.setGlobalHandler) return;
  const previous = utils.getGlobalHandler?.();
  utils.setGlobalHandler((error: unknown, isFatal?: boolean) => {
    client.capture(error, { mechanism: 'onerror', handled: false, isFatal: !!isFatal });
    // It logs the error, and throws it on where the application is to end.
    return client.quietly(() => previous?.(error, isFatal));
  });
}

/** Promises: those of Hermes, or the ones that React Native brings for other engines. */
function installRejections(client: Client): void {
  const options = {
    allRejections: true,
    onUnhandled: (id: number, reason: unknown) => {
      client.capture(reason, { mechanism: 'onunhandledrejection', handled: false });
      // In a development build React Native has shown it so, before we took its place.
      if (world.__DEV__) client.quietly(() => console.error(`Uncaught (in promise, id: ${id})`, reason));
    },
    onHandled: () => undefined,
  };
  const hermes = world.HermesInternal;
  if (hermes?.hasPromise?.() && hermes.enablePromiseRejectionTracker) hermes.enablePromiseRejectionTracker(options);
  else if (world.Promise === ReactNativePromise) tracking.enable(options);
  else console.warn('Error Sentinel: promises that nobody catches are not reported; is the package "promise" installed twice?');
}

function installConsole(client: Client): void {
  for (const name of ['error', 'warn', 'info', 'log', 'debug'] as const) {
    const original = world.console?.[name];
    if (typeof original != 'function') continue;
    world.console[name] = function (this: unknown, ...args: unknown[]) {
      if (!client.isBusy) client.run(() => onConsole(client, name, args));
      return original.apply(this, args);
    };
  }
}

function onConsole(client: Client, name: string, args: unknown[]): void {
  const message = args.map(textOf).join(' ');
  // React's advice to developers is no error of the application's.
  if (name != 'error' || message.startsWith('Warning: ')) {
    const level = name == 'warn' || name == 'error' ? 'warning' : name == 'debug' ? 'debug' : 'info';
    client.addBreadcrumb({ category: 'console', message, level });
    return;
  }
  const origin = { mechanism: 'console', handled: true };
  const error = args.find(isError);
  if (error) client.capture(error, origin, args.length > 1 ? { extra: { console: message } } : {});
  else client.capture({ name: 'console.error', message, stack: new Error().stack }, { ...origin, skip: OWN_FRAMES });
}

/** Our frames above the caller of `console.error`: `onConsole`, the function in it, `quietly`, `run`, and the hook. */
const OWN_FRAMES = 5;
