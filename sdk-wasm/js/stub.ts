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
  /** How many errors came when there was no more room in it. */
  n: number;
  /** The script tag's attributes. */
  s: Record<string, string | undefined>;
  /** Where the other files lie. */
  b: string;
  /** Listens to errors until the SDK does. */
  l: (event: any) => void;
}

((page: any, script: any) => {
  if (page.ErrorSentinel) return;
  const settings = { ...script?.dataset };
  const dsn = parseDsn(settings.dsn);
  let isAlone: unknown;

  /** Of events, all tell of an error; of calls, only some report one. */
  const isReport = (name: string) => /Al|^[eu]/.test(name);
  const sendAll = () => {
    for (const [name, first, , time, id] of api.q?.splice(0) || [])
      if (dsn && isReport(name)) sendRaw(dsn, id, time, first.error || first.reason || first, settings);
  };
  const push = (name: string, first: any, second?: any) => {
    const id = randomId();
    if (api.q)
      if (!api.q[98] || name == 'flush') api.q.push([name, first, second, +new Date(), id]);
      else if (isReport(name)) api.n++;
    if (isAlone) sendAll();
    return id;
  };
  const listener = (event: any) => push(event.type, event);
  const api: any = (page.ErrorSentinel = {
    q: [],
    n: 0,
    s: settings,
    b: script?.src ? script.src.replace(/[^/]*$/, '') : dsn ? dsn.base + '/' : '',
    l: listener,
    flush: (ms = 2e3) =>
      new Promise((done) => {
        push('flush', ms, done);
        // Whoever waits gets an answer, even if nobody comes to give one.
        setTimeout(done, ms, false);
      }),
  });
  for (const name of ['init', 'sendAlert', 'addBreadcrumb', 'setUser', 'setTag']) api[name] = push.bind(page, name);
  page.sendAlert ||= (error: any, options: any) => page.ErrorSentinel.sendAlert(error, options);
  addEventListener('error', listener);
  addEventListener('unhandledrejection', listener);
  addEventListener('pagehide', sendAll);

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
