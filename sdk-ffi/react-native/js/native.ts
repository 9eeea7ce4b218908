/** The engine in Rust, behind the native module. */
import { textOf } from '../../../sdk-wasm/js/record.js';
import type { Spec } from '../spec/NativeErrorSentinel.js';
import type { Options } from './options.js';
import type { Sink } from './sink.js';

/** Starts it; a text says why it reports nothing. */
export function startNative(native: Spec, dsn: string, options: Options): Sink | string {
  const { release, environment, app, sampleRate, maxBreadcrumbs } = options;
  // Without what is not given: a bridge may tell `undefined` as null.
  const given = Object.entries({ release, environment, app, sampleRate, maxBreadcrumbs }).filter(([, value]) => value != null);
  try {
    const trouble = native.start(dsn, Object.fromEntries(given));
    if (trouble) return trouble;
  } catch (trouble) {
    // The application was built with another version of the package.
    return textOf(trouble);
  }
  return {
    sendEvent: (event) => void native.sendEvent(JSON.stringify(event)),
    sendCrash: (event) => void native.sendCrash(JSON.stringify(event)),
    // It is there from the first moment, so nothing is.
    lose: () => undefined,
    addBreadcrumb: (crumb) => void native.addBreadcrumb(JSON.stringify(crumb)),
    setTag: (key, value) => void native.setTag(key, value),
    setUser: (user) => void native.setUser(JSON.stringify(user)),
    flush: (timeoutMs) => native.flush(timeoutMs),
  };
}
