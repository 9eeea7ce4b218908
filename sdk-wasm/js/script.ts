/** The rest of the script tag's code: takes over from the stub, with everything that it kept. */
import { Sentinel } from './api.js';
import type { Client } from './client.js';
import { fromModule } from './core.js';
import { onErrorEvent, onRejectionEvent } from './hooks.js';
import type { Hooks, Options } from './options.js';
import type { Stub } from './stub.js';

declare const WASM_FILE: string;
declare const ASM_FILE: string;
declare const ASM_INTEGRITY: string;

((page: any) => {
  const stub: (Stub & Record<string, any>) | undefined = page.ErrorSentinel;
  if (!stub?.q) return;
  const { b: base, s: settings } = stub;
  const mark = Symbol.for('error-sentinel');
  const nonce = (document.currentScript as HTMLScriptElement | null)?.nonce || '';

  /** WebAssembly, else the same in plain JavaScript, which announces itself by a global. */
  const makeCore = () =>
    fromModule(fetch(base + WASM_FILE)).catch(
      () =>
        new Promise<any>((resolve, reject) => {
          const script = document.createElement('script');
          script.src = base + ASM_FILE;
          script.integrity = ASM_INTEGRITY;
          script.crossOrigin = '';
          script.nonce = nonce;
          script.onload = () => (page.__errorSentinelCore ? resolve(page.__errorSentinelCore) : reject());
          script.onerror = reject;
          document.documentElement.append(script);
        }),
    );

  // A page that has the package too listens at its doors once.
  const sentinel: any = (page[mark] ??= new Sentinel(makeCore));
  // Methods as properties of their own, so that they can be passed around.
  for (const name of ['init', 'sendAlert', 'addBreadcrumb', 'setUser', 'setTag', 'flush']) sentinel[name] = (Sentinel.prototype as any)[name].bind(sentinel);

  const hooks: Hooks = {};
  for (const name of (settings.off || '').split(/\s+/)) if (name) hooks[name as keyof Hooks] = false;
  for (const name of (settings.on || '').split(/\s+/)) if (name) hooks[name as keyof Hooks] = true;
  const { dsn, release, environment, app, tunnel } = settings;
  const given: Options = { dsn, release, environment, app, tunnel, hooks, traceparent: 'traceparent' in settings };

  const queue = stub.q.splice(0);
  page.removeEventListener('error', stub.l);
  page.removeEventListener('unhandledrejection', stub.l);
  page.ErrorSentinel = sentinel;
  // What the page sets itself wins, even where it came before us.
  const asked = queue.filter(([name]) => name == 'init').map(([, options]) => options);
  const init = (options?: Options) =>
    Sentinel.prototype.init.call(sentinel, sentinel.client?.isOn ? options : { ...given, ...options, hooks: { ...hooks, ...options?.hooks } });
  sentinel.init = init;
  if (asked.length || dsn) init(Object.assign({}, ...asked));
  const client: Client | undefined = sentinel.client;
  client?.lose(stub.n);
  for (const [name, first, time, id, second] of queue) {
    if (name == 'error') client?.listensTo('errors') && onErrorEvent(client, first, id, time);
    else if (name == 'unhandledrejection') client?.listensTo('rejections') && onRejectionEvent(client, first, id, time);
    else if (name == 'sendAlert') client?.capture(first, { mechanism: 'send_alert', handled: true, id, time }, second);
    else if (name == 'flush') sentinel.flush(first).then(second);
    else if (name != 'init') sentinel[name](first, second);
  }
})(window);
