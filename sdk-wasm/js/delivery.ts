/**
 * Moves envelopes: by `fetch` while the page lives, by beacons when it goes, by way of the storage when neither
 * takes them. What to send and when is the core's decision.
 */
import type { Core } from './core.js';
import type { Dsn } from './dsn.js';
import type { Options } from './options.js';

/** Browsers let a page have 64 KiB on their way that outlive it; some of that is for headers. */
const KEEPALIVE_BYTES = 60_000;
const ANSWER_MS = 30_000;
/** Most that is kept in the storage, which belongs to the page. */
const KEPT_COUNT = 40;
const KEPT_BYTES = 256 * 1024;
/** Most envelopes handed on by one closing page. */
const HANDED_ON_MAX = 200;

export class Delivery {
  private readonly url: string;
  private readonly address: string;
  private readonly prefix: string;
  private inFlight?: Uint8Array;
  private timer?: ReturnType<typeof setTimeout>;
  private waiters: (() => void)[] = [];
  private isSendingKept = false;
  // The page may wrap or break these later, and our own requests are none of its breadcrumbs.
  private readonly fetch = globalThis.fetch;

  constructor(
    dsn: Dsn,
    private readonly options: Options,
    private readonly use: (work: (core: Core) => void) => boolean,
    private readonly isOff: () => boolean,
    private readonly onIdle?: () => void,
  ) {
    this.url = options.tunnel || `${dsn.base}/api/${dsn.project}/envelope/?sentry_version=7&sentry_key=${dsn.key}`;
    // What comes by a tunnel finds its way by its own first line.
    this.address = options.tunnel ? JSON.stringify({ dsn: options.dsn }).replace('}', ',') : '';
    this.prefix = `error-sentinel:${dsn.key}:`;
  }

  /** Sends what is due; called after everything that may change it. */
  pump(): void {
    if (this.inFlight || this.isOff()) return;
    clearTimeout(this.timer);
    const envelope = this.next();
    if (envelope) {
      this.inFlight = envelope;
      void this.send(envelope).then(
        (answer) => {
          this.inFlight = undefined;
          this.use((core) =>
            core.handle_reply(answer.status, ['x-sentry-rate-limits', 'retry-after', 'x-error-sentinel'].map((name) => answer.headers.get(name) || '').join('\n'), performance.now()),
          );
          this.pump();
        },
        () => {
          this.inFlight = undefined;
          this.use((core) => core.handle_failure(performance.now()));
          this.pump();
        },
      );
      return;
    }
    let waitMs = -1;
    this.use((core) => (waitMs = core.wait_ms(performance.now())));
    if (waitMs >= 0) this.timer = setTimeout(() => this.pump(), waitMs + 1);
    else {
      this.onIdle?.();
      this.waiters.splice(0).forEach((done) => done());
    }
  }

  private next(): Uint8Array | undefined {
    let envelope: Uint8Array | undefined;
    this.use((core) => {
      this.askPage(core);
      envelope = core.poll(performance.now(), Date.now());
    });
    if (!envelope?.length) return;
    if (!this.address) return envelope;
    const address = new TextEncoder().encode(this.address);
    const addressed = new Uint8Array(address.length + envelope.length - 1);
    // In place of the brace that the first line begins with.
    addressed.set(envelope, address.length - 1);
    addressed.set(address);
    return addressed;
  }

  /** Lets the page's `beforeSend` look at what is ready; from the first time on, the core waits for that. */
  askPage(core: Core): void {
    const { beforeSend } = this.options;
    for (let bytes; beforeSend && (bytes = core.prepare(performance.now())).length; ) {
      const json = new TextDecoder().decode(bytes);
      let changed: string | undefined;
      try {
        const event = beforeSend(JSON.parse(json));
        changed = event ? JSON.stringify(event) : '';
      } catch {
        // The page's own code failed on it; the error counts more than the change.
        changed = json;
      }
      core.submit(changed ?? '', performance.now());
    }
  }

  private send(envelope: Uint8Array | string): Promise<Response> {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), ANSWER_MS);
    const init: RequestInit = {
      method: 'POST',
      body: envelope as BodyInit,
      keepalive: envelope.length <= KEEPALIVE_BYTES,
      credentials: 'omit',
      referrerPolicy: 'origin',
      signal: abort.signal,
    };
    return this.fetch.call(globalThis, this.url, init).finally(() => clearTimeout(timer));
  }

  /** Hands everything on before the page goes: to the browser, or to the storage for the next visit. */
  handOn(): void {
    if (this.isOff()) return;
    // A request that does not outlive the page is told twice rather than never; its id makes that harmless.
    if (this.inFlight && this.inFlight.length > KEEPALIVE_BYTES) this.keep(this.inFlight);
    if (this.inFlight) {
      this.use((core) => core.handle_handed_on(performance.now()));
      this.inFlight = undefined;
    }
    let isHeldBack = false;
    this.use((core) => (isHeldBack = core.hand_over(performance.now())));
    for (let count = 0; count < HANDED_ON_MAX; count++) {
      const envelope = this.next();
      if (!envelope) return;
      if ((!isHeldBack && this.beacon(envelope)) || this.keep(envelope)) this.use((core) => core.handle_handed_on(performance.now()));
      else {
        this.use((core) => core.handle_failure(performance.now()));
        return;
      }
    }
  }

  /** Tells the collector of errors that were lost without a core that could; says whether the browser has taken it. */
  reportLost(quantity: number): boolean {
    const lost = { timestamp: Date.now() / 1e3, discarded_events: [{ reason: 'internal_sdk_error', category: 'error', quantity }] };
    return this.beacon([{ dsn: this.options.dsn }, { type: 'client_report' }, lost].map((line) => JSON.stringify(line)).join('\n'));
  }

  private beacon(envelope: Uint8Array | string): boolean {
    try {
      return navigator.sendBeacon(this.url, envelope as BodyInit);
    } catch {
      return false;
    }
  }

  /** The storage, where the page has one that does not throw. */
  private storage(): Storage | undefined {
    try {
      return this.options.offline == false ? undefined : globalThis.localStorage;
    } catch {
      return undefined;
    }
  }

  private keptKeys(storage: Storage): string[] {
    return Object.keys(storage).filter((key) => key.startsWith(this.prefix));
  }

  private keep(envelope: Uint8Array): boolean {
    const storage = this.storage();
    if (!storage) return false;
    try {
      const keys = this.keptKeys(storage);
      const bytes = keys.reduce((sum, key) => sum + (storage.getItem(key)?.length || 0), envelope.length);
      if (keys.length >= KEPT_COUNT || bytes > KEPT_BYTES) return false;
      storage.setItem(this.prefix + Date.now().toString(36) + Math.random().toString(36).slice(2), new TextDecoder().decode(envelope));
      return true;
    } catch {
      return false;
    }
  }

  /** Sends what an earlier page kept, oldest first; it is let go of when it is stored or refused for good. */
  async sendKept(): Promise<void> {
    const storage = this.storage();
    if (!storage || this.isSendingKept) return;
    this.isSendingKept = true;
    try {
      for (const key of this.keptKeys(storage).sort()) {
        const envelope = storage.getItem(key);
        if (envelope) {
          const { status } = await this.send(envelope);
          if (status == 429 || status == 408 || status >= 500) break;
        }
        storage.removeItem(key);
      }
    } catch {
      // Offline still: they stay where they are.
    } finally {
      this.isSendingKept = false;
    }
  }

  /** Resolves to whether everything has left within the time. */
  flush(timeoutMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), timeoutMs);
      this.waiters.push(() => {
        clearTimeout(timer);
        resolve(true);
      });
      this.use((core) => core.hurry(performance.now()));
      this.pump();
    });
  }

  giveUp(): void {
    clearTimeout(this.timer);
    this.inFlight = undefined;
  }
}
