/**
 * Where the SDK listens: every hook calls what it replaces, in the same way and with the same result, and a hook
 * that cannot be set (a frozen prototype, a missing API) is left out.
 */
import type { Client } from './client.js';
import { isError } from './exception.js';
import type { Hooks, Level } from './options.js';
import { randomId } from './raw.js';
import { textOf } from './record.js';

/** Replaces a method; whoever froze it keeps it. */
function wrap(holder: any, name: string, make: (original: any) => any): void {
  try {
    const original = holder && holder[name];
    if (typeof original == 'function') holder[name] = make(original);
  } catch {
    // Frozen.
  }
}

export function onErrorEvent(client: Client, event: any, id?: string, time?: number): void {
  const thrown = event.error ?? uncaught(event.message);
  if (thrown === undefined) return;
  const place = event.filename ? `at ${event.filename}:${event.lineno}:${event.colno}` : undefined;
  client.capture(thrown, { mechanism: 'onerror', handled: false, place, id, time });
}

export function onRejectionEvent(client: Client, event: any, id?: string, time?: number): void {
  client.capture(event.reason, { mechanism: 'onunhandledrejection', handled: false, id, time });
}

/** What a browser says of an error that it does not show: `Uncaught TypeError: x is not a function`. */
function uncaught(message: any): any {
  if (!message) return undefined;
  const parts = /^(?:Uncaught )?(?:exception: )?(?:(\w*Error): )?([^]*)$/.exec('' + message);
  return { name: parts?.[1] || 'Error', message: parts?.[2] || '' + message, stack: '' };
}

export function install(client: Client): void {
  const page: any = globalThis;
  const on = (door: keyof Hooks) => client.listensTo(door);
  const listen = (target: any, event: string, listener: (event: any) => void, capture?: boolean) =>
    target?.addEventListener?.(event, (event: any) => client.isBusy || client.run(() => listener(event)), capture);
  /** The same at a door that can be closed later; one that was closed from the start is left as it is. */
  const listenAt = (door: keyof Hooks, target: any, event: string, listener: (event: any) => void, capture?: boolean) =>
    on(door) && listen(target, event, (event) => on(door) && listener(event), capture);
  const step = (category: string, message: string | undefined, data?: Record<string, unknown>, level?: Level, type?: string) =>
    client.addBreadcrumb({ category, message, data, level, type });

  listenAt('errors', page, 'error', (event) => onErrorEvent(client, event));
  listenAt('rejections', page, 'unhandledrejection', (event) => onRejectionEvent(client, event));
  listenAt(
    'resources',
    page,
    'error',
    ({ target }) => {
      if (target && target != page && target.tagName)
        client.capture(`Failed to load <${target.tagName.toLowerCase()}> ${target.src || target.href}`, { mechanism: 'resource', handled: true }, { level: 'warning' });
    },
    true,
  );

  if (on('console'))
    for (const name of ['error', 'warn', 'info', 'log', 'debug'])
      wrap(page.console, name, (original) =>
        function (this: any, ...args: any[]) {
          if (!client.isBusy && on('console'))
            client.run(() => {
              if (name != 'error') return step('console', args.map(textOf).join(' '), undefined, name == 'warn' ? 'warning' : name == 'debug' ? 'debug' : 'info');
              const error = args.find(isError);
              const message = args.map(textOf).join(' ');
              const origin = { mechanism: 'console', handled: true };
              if (error) client.capture(error, origin, args.length > 1 ? { extra: { console: message } } : {});
              // The innermost frames are this function and the one that it is called in.
              else client.capture({ name: 'console.error', message, stack: new Error().stack }, { ...origin, skip: OWN_FRAMES });
            });
          return original.apply(this, args);
        },
      );

  if (on('history')) {
    let from = page.location?.href;
    const moved = () => {
      const to = page.location.href;
      if (to != from && on('history')) step('navigation', undefined, { from, to }, undefined, 'navigation');
      from = to;
    };
    for (const name of ['pushState', 'replaceState'])
      wrap(page.history, name, (original) =>
        function (this: any, ...args: any[]) {
          const result = original.apply(this, args);
          client.run(moved);
          return result;
        },
      );
    listen(page, 'popstate', moved);
    listen(page, 'hashchange', moved);
  }

  const requested = (category: 'fetch' | 'xhr', method: string, url: string, status?: number, error?: any) =>
    on(category) && step(category, undefined, { method, url, status_code: status, error: error && textOf(error) }, !status || status >= 400 ? 'error' : undefined, 'http');

  if (on('fetch'))
    wrap(page, 'fetch', (original) =>
      function (this: any, input: any, init?: any) {
        let method = '', url = '';
        client.run(() => {
          method = ((init && init.method) || input?.method || 'GET').toUpperCase();
          url = textOf(input?.url || input);
          // A trace for the page, a span for the request.
          if (client.options.traceparent && new URL(url, page.location.href).origin == page.location.origin) {
            const headers = new Headers(init?.headers || input?.headers);
            if (!headers.has('traceparent')) headers.set('traceparent', `00-${(client.traceId ??= randomId())}-${randomId().slice(16)}-01`);
            init = { ...init, headers };
          }
        });
        // As the caller called it, with as many arguments.
        const answer = init === undefined ? original.call(this, input) : original.call(this, input, init);
        // A page may have put something else in its place, which promises nothing.
        return (
          answer?.then?.(
            (response: Response) => {
              requested('fetch', method, url, response?.status);
              return response;
            },
            (error: any) => {
              requested('fetch', method, url, undefined, error);
              throw error;
            },
          ) ?? answer
        );
      },
    );

  if (on('xhr') && page.XMLHttpRequest) {
    const calls = new WeakMap<object, [string, string]>();
    wrap(page.XMLHttpRequest.prototype, 'open', (original) =>
      function (this: any, ...args: any[]) {
        client.run(() => calls.set(this, [textOf(args[0]).toUpperCase(), textOf(args[1])]));
        return original.apply(this, args);
      },
    );
    wrap(page.XMLHttpRequest.prototype, 'send', (original) =>
      function (this: any, ...args: any[]) {
        client.run(() => {
          const call = calls.get(this);
          if (call) this.addEventListener('loadend', () => requested('xhr', call[0], call[1], this.status || undefined), { once: true });
        });
        return original.apply(this, args);
      },
    );
  }

  listenAt('clicks', page.document, 'click', ({ target }) => step('ui.click', pathOf(target)), true);
  listenAt('inputs', page.document, 'change', ({ target }) => step('ui.input', pathOf(target)), true);

  listen(page.document, 'visibilitychange', () => (page.document.hidden ? client.hide() : client.wake()));
  listen(page, 'pagehide', () => client.hide());
  listen(page, 'pageshow', () => client.wake());
  listen(page, 'online', () => client.wake());
}

/** Our frames above the caller of `console.error`: the function that makes the error, `run`, and the hook. */
const OWN_FRAMES = 3;

/** `form#pay > button.big`: where an element stands, without what it holds. */
function pathOf(element: any): string {
  const parts: string[] = [];
  for (let at = element; at && at.tagName && parts.length < 5; at = at.parentElement) {
    const id = at.id ? '#' + at.id : '';
    const classes = typeof at.className == 'string' && at.className.trim() ? '.' + at.className.trim().split(/\s+/).slice(0, 3).join('.') : '';
    const name = at.getAttribute?.('name');
    parts.unshift(at.tagName.toLowerCase() + id + classes + (name ? `[name="${name}"]` : ''));
  }
  return parts.join(' > ').slice(0, 200);
}
