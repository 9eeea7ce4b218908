/**
 * One application's reporting: puts what is to be told into the words of the wire, and gives it to the engine.
 *
 * Whatever happens in here ends in here: no call throws into the application, and none of our own errors is reported.
 */
import { describe, isError } from '../../../sdk-wasm/js/exception.js';
import { textOf } from '../../../sdk-wasm/js/record.js';
import type { AlertOptions, Breadcrumb, Event, Options, User } from './options.js';
import { cut, plain } from './plain.js';
import type { Sink } from './sink.js';
import { parseStack } from './stack.js';

declare const VERSION: string;

/** How an error came to be reported. */
export interface Origin {
  mechanism: string;
  handled: boolean;
  /** The application is about to end by it. */
  isFatal?: boolean;
  /** Innermost frames that are ours. */
  skip?: number;
}

/** Most calls kept while the engine is on its way. */
const PENDING_MAX = 200;
/** With so many there, breadcrumbs leave the room to errors. */
const PENDING_BREADCRUMBS_MAX = 100;
/** Longest key and value of a tag. */
const TAG_CHARS = 200;

export class Client {
  private sink?: Sink;
  /** Nothing will be reported. */
  isOver = false;
  private pending: ((sink: Sink) => void)[] = [];
  private lostCount = 0;
  /** Errors seen by one of the hooks: what was reported once is not reported again by the next. */
  private readonly seen = new WeakMap<object, string>();
  /** Set while our own code runs, or code that only repeats what was reported, so that it is not reported. */
  isBusy = false;

  private tellStarted: (sink: Sink | undefined) => void = () => undefined;
  private readonly started = new Promise<Sink | undefined>((done) => (this.tellStarted = done));

  constructor(readonly options: Options) {}

  /** The engine is there, or it never will be. */
  start(sink: Sink | undefined): void {
    this.sink = sink;
    this.isOver = !sink;
    for (const work of this.pending.splice(0)) this.use(work);
    if (this.lostCount) sink?.lose(this.lostCount);
    this.tellStarted(sink);
  }

  /** Gives work to the engine, as soon as it is there; says whether there is room for it until then. */
  private use(work: (sink: Sink) => void, pendingMax = PENDING_MAX): boolean {
    if (this.sink) work(this.sink);
    else if (this.isOver || this.pending.length >= pendingMax) return false;
    else this.pending.push(work);
    return true;
  }

  /** Runs our own code: nothing gets out of it. */
  run<T>(work: () => T): T | undefined {
    try {
      return this.quietly(work);
    } catch {
      return undefined;
    }
  }

  /** Runs code whose errors are not to be reported by the hooks; what it throws is thrown on. */
  quietly<T>(work: () => T): T {
    const wasBusy = this.isBusy;
    this.isBusy = true;
    try {
      return work();
    } finally {
      this.isBusy = wasBusy;
    }
  }

  /** Takes an error and returns the id under which the collector shows it. */
  capture(thrown: unknown, origin: Origin, options: AlertOptions = {}): string {
    return (!this.isOver && this.run(() => this.take(thrown, origin, options))) || '';
  }

  private take(thrown: any, { mechanism, handled, isFatal, skip }: Origin, options: AlertOptions): string {
    const isObject = thrown && (typeof thrown == 'object' || typeof thrown == 'function');
    if (isObject) {
      const before = this.seen.get(thrown);
      if (before && mechanism != 'send_alert') return '';
      this.seen.set(thrown, mechanism);
    }
    const isText = typeof thrown == 'string' && mechanism == 'send_alert';
    const id = randomId();
    const event: Event = {
      event_id: id,
      timestamp: Date.now() / 1000,
      platform: 'javascript',
      level: options.level ?? (isFatal ? 'fatal' : 'error'),
      sdk: { name: 'error-sentinel.react-native', version: VERSION },
      logentry: isText ? { formatted: cut(thrown) } : undefined,
      exception: isText ? undefined : { values: exceptions(thrown, mechanism, handled, skip) },
      tags: texts(options.tags),
      fingerprint: plain(options.fingerprint),
      contexts: { runtime: { name: engineName() } },
      extra: plain(isObject && !isError(thrown) ? { thrown, ...options.extra } : { ...componentStack(thrown), ...options.extra }),
    };
    const changed = this.ask(event);
    if (changed && !this.use((sink) => (isFatal ? sink.sendCrash(changed) : sink.sendEvent(changed)))) this.lostCount++;
    return id;
  }

  /** Lets the application's `beforeSend` look at it. */
  private ask(event: Event): Event | null {
    const { beforeSend } = this.options;
    if (!beforeSend) return event;
    try {
      const changed = beforeSend(event);
      return changed && (JSON.parse(JSON.stringify(changed)) as Event);
    } catch {
      // The application's own code failed on it; the error counts more than the change.
      return event;
    }
  }

  addBreadcrumb(crumb: Breadcrumb | string): void {
    this.run(() => {
      const given = typeof crumb == 'string' ? { message: crumb } : crumb;
      const step = plain({ timestamp: Date.now() / 1000, ...given }) as Record<string, unknown>;
      this.use((sink) => sink.addBreadcrumb(step), PENDING_BREADCRUMBS_MAX);
    });
  }

  setUser(user: User | null): void {
    this.run(() => {
      const id = user?.id == null ? undefined : textOf(user.id);
      const whole = (user ? plain({ ...user, id }) : {}) as Record<string, unknown>;
      this.use((sink) => sink.setUser(whole));
    });
  }

  setTag(key: string, value: unknown): void {
    this.run(() => {
      for (const [name, text] of Object.entries(texts({ [key]: value }))) this.use((sink) => sink.setTag(name, text));
    });
  }

  async flush(timeoutMs = 2000): Promise<boolean> {
    try {
      const sink = await this.started;
      return sink ? await sink.flush(timeoutMs) : true;
    } catch {
      return false;
    }
  }
}

/** What was thrown, the oldest cause first, with its frames. */
function exceptions(thrown: unknown, mechanism: string, handled: boolean, skip?: number): Record<string, unknown>[] {
  return describe(thrown, { type: mechanism, handled }, undefined, skip).map(({ stacktrace, ...one }) => ({
    ...one,
    value: cut(one.value),
    stacktrace: stacktrace && framed(stacktrace.text, one.value, stacktrace.skip),
  }));
}

function framed(text: string, heading: string, skip: number): { frames: unknown[] } | undefined {
  const frames = parseStack(text, heading, skip);
  return frames.length ? { frames } : undefined;
}

/** React tells in which components an error happened. */
function componentStack(thrown: any): { componentStack?: unknown } {
  const stack = thrown?.componentStack;
  return typeof stack == 'string' ? { componentStack: cut(stack) } : {};
}

/** Labels, whatever their values are. */
function texts(tags: Record<string, unknown> = {}): Record<string, string> {
  const entries = Object.entries(tags).filter(([, value]) => value != null);
  return Object.fromEntries(entries.map(([key, value]) => [textOf(key).slice(0, TAG_CHARS), textOf(value).slice(0, TAG_CHARS)]));
}

function engineName(): string {
  return (globalThis as any).HermesInternal ? 'hermes' : 'javascript';
}

/** 16 random bytes as hexadecimal digits: an event's id. Not every engine of React Native has `crypto`. */
function randomId(): string {
  const bytes = new Uint8Array(16);
  const { crypto } = globalThis;
  if (crypto?.getRandomValues) crypto.getRandomValues(bytes);
  else bytes.forEach((_, at) => (bytes[at] = Math.random() * 256));
  return Array.from(bytes, (byte) => (byte + 256).toString(16).slice(1)).join('');
}
