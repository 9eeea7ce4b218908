/**
 * One page's reporting: takes what is to be told, gives it to the core, and falls back to the raw path where the
 * core cannot be had or has failed.
 *
 * Whatever happens in here ends in here: no call throws into the page, and none of our own errors is reported.
 */
import type { Core } from './core.js';
import { Delivery } from './delivery.js';
import { parseDsn, type Dsn } from './dsn.js';
import { describe, isError, surfaced } from './exception.js';
import type { AlertOptions, Breadcrumb, Hooks, Options, User } from './options.js';
import { randomId, sendRaw } from './raw.js';
import { record, textOf } from './record.js';

declare const VERSION: string;

/** How an error came to be reported. */
export interface Origin {
  mechanism: string;
  handled?: boolean;
  /** Where it was noticed, for what has no stack of its own. */
  place?: string;
  /** Innermost frames that are ours. */
  skip?: number;
  id?: string;
  time?: number;
}

type Work = (core: Core) => void;

/** An error as the core takes it, and how often more it was seen since. */
interface Capture {
  id: string;
  event: string;
  looks: string;
  time: number;
  count: number;
}

/** Most calls kept while the core is on its way. */
const PENDING_MAX = 200;
/** With so many there, breadcrumbs leave the room to errors. */
const PENDING_BREADCRUMBS_MAX = 100;
/** Once so many wait, an error that equals one of those after them is counted with it. */
const PENDING_ALIKE_FROM = 10;
/** Most errors that the raw path sends: it neither batches nor collapses. */
const RAW_MAX = 30;
/** Most errors of which repeats are counted here. */
const REPEATS_MAX = 32;
const PLAIN: AlertOptions = {};

export class Client {
  readonly options: Options;
  private readonly dsn: Dsn | null;
  private readonly delivery?: Delivery;
  private core?: Core;
  private hasFailed = false;
  private pending: Work[] = [];
  private waitingErrors: [thrown: any, capture: Capture, level: string][] = [];
  private lostCount = 0;
  /** Errors given to the core since it last had nothing left to send. */
  private heldCount = 0;
  private rawCount = 0;
  /** The page is hidden: there may be no later. */
  private isGone = false;
  private knownDebugIds = 0;
  private tags: Record<string, string> = {};
  private user?: User;
  /** Errors that the core only counts until it is asked what to send, or that wait for it: what equals them is
   * counted right here. */
  private readonly repeats = new Map<string, Capture>();
  /** Errors seen by one of the hooks: what was reported once is not reported again by the next. */
  private readonly seen = new WeakMap<object, string>();
  /** Set while our own code runs, so that what it does is not reported. */
  isBusy = false;
  /** The trace that the page's requests belong to. */
  traceId?: string;

  constructor(options: Options) {
    this.options = { ...options };
    this.dsn = parseDsn(options.dsn);
    if (this.dsn)
      this.delivery = new Delivery(
        this.dsn,
        this.options,
        (work) => {
          this.tellRepeats();
          return this.use(work);
        },
        () => this.hasFailed || !this.core,
        () => (this.heldCount = 0),
      );
  }

  /** Takes what `init` is given when all has begun. */
  change({ dsn: _, tunnel: __, maxBreadcrumbs: ___, hooks, ...options }: Options): void {
    Object.assign(this.options, options, { hooks: { ...this.options.hooks, ...hooks } });
    this.use((core) => this.delivery?.askPage(core));
  }

  /** Whether a door is one that the page lets us listen at. */
  listensTo(door: keyof Hooks): boolean {
    return this.options.hooks?.[door] ?? door != 'resources';
  }

  get isOn(): boolean {
    return !!this.dsn;
  }

  /** The core is there, or it never will be. */
  start(makeCore: Promise<Core>): void {
    makeCore.then(
      (core) => {
        this.use(() => {
          core.start(this.options.maxBreadcrumbs ?? 20, Math.random() * 2 ** 53);
          this.delivery?.askPage(core);
        }, core);
        if (this.hasFailed) return;
        this.core = core;
        this.pending.splice(0).forEach((work) => this.use(work));
        this.waitingErrors = [];
        if (this.lostCount) this.lose(this.lostCount);
        this.wake();
      },
      () => this.fail(),
    );
  }

  /** Gives work to the core; says whether it was done. */
  private use(work: Work, core = this.core): boolean {
    if (!core || this.hasFailed) return false;
    try {
      work(core);
      return true;
    } catch {
      // A trap leaves the core half way through something: it is never called again.
      this.fail();
      return false;
    }
  }

  private fail(): void {
    this.hasFailed = true;
    this.pending = [];
    // What waits here is sent from here; else it was the core's, which nobody can ask any more.
    if (!this.waitingErrors.length) for (const { count } of [{ count: this.heldCount }, ...this.repeats.values()]) this.lostCount += count;
    this.delivery?.giveUp();
    this.sendWaiting();
    this.repeats.clear();
  }

  /** Gives work to the core once that is there; says whether there was room for it until then. */
  private later(work: Work, pendingMax = PENDING_MAX): boolean {
    if (this.core || this.hasFailed) return this.use(work);
    return this.pending.length < pendingMax && !!this.pending.push(work);
  }

  /** Counts errors that were lost before they came here. */
  lose(count: number): void {
    if (!this.use((core) => core.lose(count))) this.lostCount += count;
  }

  private raw(thrown: any, { id, time, count }: { id: string; time: number; count: number }, level: string): void {
    const occurrences = count > 1 ? { count } : undefined;
    const isSent = this.rawCount++ < RAW_MAX && this.run(() => sendRaw(this.dsn!, id, time, thrown, { ...this.options, hooks: undefined, level, occurrences }));
    if (!isSent) this.lostCount += count;
  }

  private sendWaiting(): void {
    for (const waiting of this.waitingErrors.splice(0)) this.raw(...waiting);
  }

  /** Runs our own code: nothing gets out of it. */
  run<T>(work: () => T): T | undefined {
    const wasBusy = this.isBusy;
    this.isBusy = true;
    try {
      return work();
    } catch {
      return undefined;
    } finally {
      this.isBusy = wasBusy;
    }
  }

  /** Takes an error and returns the id under which the collector shows it. */
  capture(thrown: any, origin: Origin, options = PLAIN): string {
    return (this.dsn && this.run(() => this.take(thrown, origin, options))) || origin.id || '';
  }

  private take(thrown: any, { mechanism, handled, place, skip, id = randomId(), time = Date.now() }: Origin, options: AlertOptions): string {
    const likeness = options == PLAIN ? mechanism + likenessOf(thrown) : '';
    const repeated = this.repeats.get(likeness);
    if (repeated) {
      repeated.count++;
      repeated.time = time;
      return repeated.id;
    }
    const isObject = thrown && typeof thrown == 'object';
    if (isObject) {
      const before = this.seen.get(thrown);
      if (before && before != mechanism && mechanism != 'send_alert') return id;
      this.seen.set(thrown, mechanism);
    }
    const level = options.level || 'error';
    if (this.hasFailed || (this.isGone && !this.core)) {
      this.raw(thrown, { id, time, count: 1 }, level);
      return id;
    }
    const isText = typeof thrown == 'string' && !mechanism.startsWith('on');
    const values = isText ? [] : describe(thrown, { type: mechanism, handled }, place, skip);
    const { fingerprint, extra } = options;
    const { release, environment, app } = this.options;
    const { location, document, navigator } = globalThis;
    const message: string = (isText ? thrown : values[values.length - 1]?.value) ?? '';
    const hasStack = values.some((one) => one.stacktrace);
    const user = this.user;
    const capture: Capture = {
      id,
      event: record({
        event_id: id,
        timestamp: new Date(time).toISOString(),
        platform: 'javascript',
        level,
        release,
        environment,
        app,
        sdk: { name: 'error-sentinel.browser', version: VERSION },
        logentry: isText ? { formatted: thrown } : undefined,
        exception: isText ? undefined : { values },
        request: location && { url: location.href, headers: { Referer: document?.referrer || undefined, 'User-Agent': navigator?.userAgent } },
        user,
        fingerprint,
        contexts: this.traceId && { trace: { trace_id: this.traceId } },
        extra: isObject && !isError(thrown) ? { thrown, ...extra } : extra,
      }),
      looks: record([
        { ...this.tags, ...texts(options.tags) },
        [mechanism, ...(hasStack ? values.map(surfaced) : [message]), fingerprint].join('\n'),
        message,
        user?.id ?? user?.email ?? user?.username ?? null,
      ]),
      time,
      count: 1,
    };
    const countRepeats = (of: Capture) => likeness && this.repeats.size < REPEATS_MAX && this.repeats.set(likeness, of);
    const isKept = this.later((core) => {
      this.learnDebugIds(core);
      this.repeats.delete(likeness);
      if (this.tell(core, capture)) countRepeats({ ...capture, count: 0 });
    });
    if (!isKept) this.hasFailed ? this.raw(thrown, capture, level) : this.lose(1);
    else if (!this.core) {
      this.waitingErrors.push([thrown, capture, level]);
      if (this.pending.length > PENDING_ALIKE_FROM) countRepeats(capture);
    }
    this.delivery?.pump();
    return id;
  }

  private tell(core: Core, { event, looks, count, time }: Capture): boolean {
    const isCounted = core.capture(event, looks, count, performance.now(), time);
    this.heldCount += count;
    return isCounted;
  }

  /** The core has to know of all that was counted before it closes a count. */
  private tellRepeats(): void {
    for (const capture of this.repeats.values()) if (capture.count) this.use((core) => this.tell(core, capture));
    this.repeats.clear();
  }

  /** Bundlers leave the ids of their bundles in a global, under a stack taken in each. */
  private learnDebugIds(core: Core): void {
    const ids = (globalThis as any)._sentryDebugIds || {};
    const stacks = Object.keys(ids);
    if (stacks.length == this.knownDebugIds) return;
    this.knownDebugIds = stacks.length;
    for (const stack of stacks) core.add_debug_id(stack, textOf(ids[stack]));
  }

  addBreadcrumb(crumb: Breadcrumb | string): void {
    this.run(() => {
      const text = record({ timestamp: new Date().toISOString(), ...(typeof crumb == 'string' ? { message: crumb } : crumb) }, STEP_CHARS);
      if (this.dsn) this.later((core) => core.add_breadcrumb(text), PENDING_BREADCRUMBS_MAX);
    });
  }

  setUser(user: User | null): void {
    this.run(() => {
      this.tellRepeats();
      this.user = user ? { ...user, id: user.id == null ? undefined : textOf(user.id) } : undefined;
    });
  }

  setTag(key: string, value: unknown): void {
    this.run(() => {
      this.tellRepeats();
      Object.assign(this.tags, texts({ [key]: value }));
    });
  }

  flush(timeoutMs = 2000): Promise<boolean> {
    return this.delivery ? this.delivery.flush(timeoutMs) : Promise.resolve(true);
  }

  /** The page goes away, perhaps for good. */
  hide(): void {
    this.isGone = true;
    this.run(() => {
      this.delivery?.handOn();
      if (!this.core) this.sendWaiting();
      if (this.hasFailed && this.lostCount && this.delivery?.reportLost(this.lostCount)) this.lostCount = 0;
    });
  }

  wake(): void {
    this.isGone = false;
    this.run(() => {
      void this.delivery?.sendKept();
      this.delivery?.pump();
    });
  }
}

/** Most characters of one step. */
const STEP_CHARS = 4000;
/** Longest value of a tag. */
const TAG_CHARS = 200;

/** Labels, whatever their values are. */
function texts(tags: Record<string, unknown> = {}): Record<string, string> {
  const entries = Object.entries(tags).filter(([, value]) => value != null);
  return Object.fromEntries(entries.map(([key, value]) => [textOf(key).slice(0, TAG_CHARS), textOf(value).slice(0, TAG_CHARS)]));
}

/** The same for what was thrown alike at the same place; empty where that takes a closer look. */
function likenessOf(thrown: any): string {
  try {
    return typeof thrown == 'string' ? thrown : thrown.stack && !thrown.cause && !thrown.errors ? `${thrown.name}\n${thrown.message}\n${thrown.stack}` : '';
  } catch {
    return '';
  }
}
