/**
 * The script tag's own code: listens from the first moment, loads the rest, hands over.
 *
 * It stands before everything else of a page, so it must stay below 1.5 KB and do nothing that could delay it. If
 * the rest never comes (blocked, offline, closed too soon), it sends what it holds as it is.
 */
import { parseDsn } from './dsn.js';
import { randomId, sendRaw } from './raw.js';

declare const SDK_FILE: string;
declare const SDK_INTEGRITY: string;

/** What the stub leaves for the SDK. */
export interface Stub {
  /** Calls and errors so far: name, first two arguments, time, id. The SDK takes it away, which ends the stub. */
  q: [name: string, first: any, second: any, time: number, id: string][] | null;
  /** The script tag's attributes. */
  s: Record<string, string | undefined>;
  /** Where the other files lie. */
  b: string;
  /** Listens to errors until the SDK does. */
  l: (event: any) => void;
}

((page: any, script: any) => {
  if (page.ErrorSentinel) return;
  const settings = script ? { ...script.dataset } : {};
  const dsn = parseDsn(settings.dsn);
  let isAlone: unknown;

  const sendAll = () => {
    if (dsn)
      for (const [name, first, , time, id] of (api.q || []).splice(0))
        // Of events, the error that they tell of; of calls, only those that report one.
        if (/Alert|^err|^un/.test(name)) sendRaw(dsn, { id, time, error: first.error || first.reason || first }, settings);
  };
  const push = (name: string, first: any, second?: any) => {
    const id = randomId();
    if (api.q && api.q.length < 99) api.q.push([name, first, second, Date.now(), id]);
    if (isAlone) sendAll();
    return id;
  };
  const listener = (event: any) => push(event.type, event);
  const api: any = (page.ErrorSentinel = {
    q: [],
    s: settings,
    b: script?.src ? script.src.replace(/[^/]*$/, '') : dsn ? dsn.base + '/' : '',
    l: listener,
    flush: (ms: any) => new Promise((done) => push('flush', ms, done)),
  });
  for (const name of 'init,sendAlert,addBreadcrumb,setUser,setTag'.split(',')) api[name] = push.bind(page, name);
  page.sendAlert ||= (error: any, options: any) => page.ErrorSentinel.sendAlert(error, options);
  page.addEventListener('error', listener);
  page.addEventListener('unhandledrejection', listener);
  page.addEventListener('pagehide', sendAll);

  const rest = document.createElement('script');
  rest.src = api.b + SDK_FILE;
  rest.integrity = SDK_INTEGRITY;
  rest.crossOrigin = 'anonymous';
  rest.nonce = script?.nonce;
  rest.onerror = (failed) => {
    isAlone = failed;
    sendAll();
  };
  document.head.append(rest);
})(window, document.currentScript);
