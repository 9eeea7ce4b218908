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
/** Ours, or what has taken over from us. */
declare const ErrorSentinel: { sendAlert(error: unknown, options?: unknown): string };

/** What the stub leaves for the SDK. */
export interface Stub {
  /** Calls and errors so far: name, first argument, time, id, second argument. The SDK empties it. */
  q: [name: string, first: any, time: number, id: string, second: any][];
  /** How many errors came when there was no more room in it. */
  n: number;
  /** The script tag's attributes. */
  s: Record<string, string | undefined>;
  /** Where the other files lie. */
  b: string;
  /** Listens to errors until the SDK does. */
  l: (event: any) => void;
}

const page: any = self;
const script: any = document.currentScript;
if (!page.ErrorSentinel) {
  const settings = { ...script?.dataset };
  const dsn = parseDsn(settings.dsn);
  let isAlone: unknown;

  /** Whether it is one of `error`, `unhandledrejection` and `sendAlert`, which tell of an error. */
  const isReport = (name: string) => /[Ao]/.test(name);
  const sendAll = (_?: unknown) => {
    for (const [name, first, time, id] of api.q.splice(0))
      try {
        if (isReport(name)) sendRaw(dsn!, id, time, name[0] == 'u' ? first.reason : first?.error || first, settings);
      } catch {
        // There is no DSN, or no way to put it into words; the others can be.
      }
  };
  const push = (name: string, first: any, second?: any) => {
    const id = randomId();
    // Whoever waits is answered however much there is.
    if (!api.q[98] || name[0] == 'f') api.q.push([name, first, +new Date(), id, second]);
    else if (isReport(name)) api.n++;
    if (isAlone) sendAll();
    return id;
  };
  const listener = (event: any) => push(event.type, event);
  const api: any = (page.ErrorSentinel = {
    q: [],
    n: 0,
    s: settings,
    b: script?.src.replace(/[^/]*$/, '') || dsn?.base + '/',
    l: listener,
    flush: (ms = 2e3) =>
      new Promise((done) => {
        push('flush', ms, done);
        // Whoever waits gets an answer, even if nobody comes to give one.
        setTimeout(done, ms, false);
      }),
  });
  for (const name of ['init', 'sendAlert', 'addBreadcrumb', 'setUser', 'setTag']) api[name] = push.bind(page, name);
  page.sendAlert ||= (error: any, options: any) => ErrorSentinel.sendAlert(error, options);
  // The doors are called `errors` and `rejections`.
  for (const type of ['error', 'unhandledrejection']) settings.off?.match(type.slice(-9)) || addEventListener(type, listener);
  addEventListener('pagehide', sendAll);

  const rest = document.createElement('script');
  rest.src = api.b + SDK_FILE;
  rest.integrity = SDK_INTEGRITY;
  rest.crossOrigin = '';
  rest.nonce = script?.nonce;
  rest.onerror = (failed) => sendAll((isAlone = failed));
  document.head.append(rest);
}
