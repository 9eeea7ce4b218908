/**
 * The same engine as plain JavaScript, and `fetch`, for applications without the native module: one that runs in a
 * prepared shell, or was not built anew since the package was added.
 *
 * It is in a file of its own, which is not evaluated where it is not needed. It keeps nothing on disk: what has not left
 * when the application ends is lost.
 */
import '../../../sdk-wasm/dist/asm.js';
import type { Core } from '../../../sdk-wasm/js/core.js';
import { Delivery } from '../../../sdk-wasm/js/delivery.js';
import type { Dsn } from '../../../sdk-wasm/js/dsn.js';
import { record, Stack } from '../../../sdk-wasm/js/record.js';
import type { Event, Options } from './options.js';
import type { Sink } from './sink.js';
import { asText } from './stack.js';

/** Starts it. */
export function startFallback(dsn: Dsn, options: Options): Sink {
  const core: Core = (globalThis as any).__errorSentinelCore;
  let hasFailed = false;
  const use = (work: (core: Core) => void): boolean => {
    if (hasFailed) return false;
    try {
      work(core);
      return true;
    } catch {
      // A trap leaves the core half way through something: it is never called again.
      hasFailed = true;
      delivery.giveUp();
      return false;
    }
  };
  const delivery = new Delivery(dsn, {}, use, () => hasFailed);
  use(() => core.start(options.maxBreadcrumbs ?? MAX_BREADCRUMBS, Math.random() * 2 ** 53));

  const tags: Record<string, string> = {};
  let user: Record<string, unknown> | undefined;

  const send = (event: Event) => {
    const { release, environment = 'production', app } = options;
    const values = (event.exception?.values ?? []).map((one: any) => ({
      // The message comes first: the core has to know it to read the stack.
      value: one.value,
      ...one,
      stacktrace: one.stacktrace && new Stack(asText(one.stacktrace.frames)),
    }));
    const message: string = event.logentry?.formatted ?? values[values.length - 1]?.value ?? '';
    const kinds = values.map((one: any) => one.type + (one.stacktrace?.text ?? ''));
    const looks = [
      { ...tags, ...event.tags },
      [...(values.length ? kinds : [message]), event.fingerprint].join('\n'),
      message,
      user?.id ?? user?.email ?? user?.username ?? null,
    ];
    const { tags: _, ...rest } = event;
    const whole = { release, environment, app, ...rest, user, exception: values.length ? { values } : undefined };
    use(() => core.capture(record(whole), record(looks), 1, performance.now(), Date.now()));
    delivery.pump();
  };

  return {
    sendEvent: send,
    // The application may end before this has left: nothing here can wait for the network.
    sendCrash: send,
    lose: (count) => void use(() => core.lose(count)),
    addBreadcrumb: (crumb) => void use(() => core.add_breadcrumb(record(crumb))),
    setTag: (key, value) => {
      tags[key] = value;
    },
    setUser: (next) => {
      user = Object.keys(next).length ? next : undefined;
    },
    flush: (timeoutMs) => delivery.flush(timeoutMs),
  };
}

/** As with the native module. */
const MAX_BREADCRUMBS = 50;
