/**
 * The alarm that tells a team its React Native application is breaking: one line, `sendAlert(error)`.
 *
 * ```js
 * import { init, sendAlert } from '@error-sentinel/react-native';
 * init('https://KEY@errors.example.com/1', { release: 'shop@1.4.2' });
 * ```
 *
 * No call ever throws, and none waits but `flush`.
 */
import native from '../spec/NativeErrorSentinel.js';
import { parseDsn } from '../../../sdk-wasm/js/dsn.js';
import { Client } from './client.js';
import { install } from './hooks.js';
import { startNative } from './native.js';
import { Navigation } from './navigation.js';
import type { AlertOptions, Breadcrumb, NavigationContainer, NavigationReference, Options, User } from './options.js';

export type * from './options.js';

/** Two copies of this package listen at an application's doors once. */
const mark = Symbol.for('error-sentinel.react-native');
const shared: { client?: Client } = ((globalThis as any)[mark] ??= {});
const navigation = new Navigation(() => shared.client);

/**
 * Starts reporting to a DSN. Where the native part of the application runs already, it is joined, and reports by its
 * own settings. A DSN that is none is said on the console, and nothing is sent.
 */
export function init(dsn: string, options: Options = {}): void {
  // The first one that knows where to send counts; a second one would listen at every door twice.
  if (shared.client && !shared.client.isOver) return;
  const isDevelopment = (globalThis as any).__DEV__ === true;
  const client = new Client(options);
  client.run(() => {
    const settled = { ...options, environment: options.environment ?? (isDevelopment ? 'development' : undefined) };
    const refused = (why: string) => {
      console.warn(`Error Sentinel: nothing will be reported: ${why}`);
      client.start(undefined);
    };
    const parsed = parseDsn(dsn);
    if (!parsed) refused('the DSN is not valid');
    else if (native) {
      const sink = startNative(native, dsn, settled);
      if (typeof sink == 'string') refused(sink);
      else client.start(sink);
    } else {
      import('./fallback.js').then(
        ({ startFallback }) => client.start(startFallback(parsed, settled)),
        (trouble: unknown) => refused(String(trouble)),
      );
    }
    shared.client = client;
    if (!client.isOver) install(client);
  });
}

/** Reports an error, or anything else, and returns the id under which the collector shows it. */
export const sendAlert = (error: unknown, options?: AlertOptions): string =>
  shared.client?.capture(error, { mechanism: 'send_alert', handled: true }, options) ?? '';

/** Remembers one step; the last ones travel with every alert. */
export const addBreadcrumb = (crumb: Breadcrumb | string): void => shared.client?.addBreadcrumb(crumb);

/** Says whose work every alert from now on is about; `null` when nobody's. */
export const setUser = (user: User | null): void => shared.client?.setUser(user);

/** Labels every alert from now on. */
export const setTag = (key: string, value: unknown): void => shared.client?.setTag(key, value);

/** Waits until everything reported so far has left, at most `timeoutMs`; says whether it has. */
export const flush = (timeoutMs?: number): Promise<boolean> => shared.client?.flush(timeoutMs) ?? Promise.resolve(true);

/**
 * Remembers which screens somebody goes to, from a container of React Navigation: its reference, or what
 * `createNavigationContainerRef` returns. Returns what ends it.
 */
export const trackNavigation = (container: NavigationContainer | NavigationReference): (() => void) => navigation.follow(container);

/** Remembers that somebody went to a screen, for any other kind of navigation. */
export const addNavigation = (screen: string): void => navigation.moved(screen);
