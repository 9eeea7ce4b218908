/**
 * The way out that needs nothing: one error as it is, by one beacon.
 *
 * For the time before the core is there, and for good where it never comes or has failed. The stub carries this
 * code inline in every page, so it must stay a few lines.
 */
import type { Dsn } from './dsn.js';

/** 16 random bytes as hexadecimal digits: an event's id. */
export function randomId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => (byte + 256).toString(16).slice(1)).join('');
}

/** Sends it to `POST /log-error`, which reads stacks as text. Says whether the browser has taken it. */
export function sendRaw(dsn: Dsn, id: string, time: number, error: any, about: any, level?: string): boolean {
  return navigator.sendBeacon(
    `${dsn.base}/log-error?key=${dsn.key}`,
    JSON.stringify({
      ...about,
      event_id: id,
      timestamp: time / 1e3,
      platform: 'javascript',
      level,
      type: error?.name || 'Error',
      message: ('' + (error?.message || error)).slice(0, 8e3),
      stack: error?.stack,
      extra: { url: location.href },
    }),
  );
}
