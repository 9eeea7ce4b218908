/**
 * The way out that needs nothing: one error as it is, by one beacon.
 *
 * For the time before the core is there, and for good where it never comes or has failed. The stub carries this
 * code inline in every page, so it must stay a few lines.
 */
import type { Dsn } from './dsn.js';

/** 16 random bytes as hexadecimal digits: an event's id. */
export function randomId(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => (byte + 256).toString(16).slice(1)).join('');
}

/**
 * Sends it to `POST /log-error`, which reads stacks as text, or by the tunnel. Says whether the browser has taken it.
 * `about` is what else is known of it, the settings among it.
 */
export function sendRaw(dsn: Dsn, id: string, time: number, error: any, about: any): boolean {
  return navigator.sendBeacon(
    about.tunnel || dsn.base + '/log-error?key=' + dsn.key,
    // What comes by a tunnel finds its way by the DSN in its own first line.
    (about.tunnel ? JSON.stringify(about) + '\n{"type":"event"}\n' : '') +
      JSON.stringify({
        ...about,
        event_id: id,
        timestamp: time / 1e3,
        platform: 'javascript',
        type: error?.name || 'Error',
        message: String(error?.message || error).slice(0, 8e3),
        stack: error?.stack,
        extra: { url: '' + location },
      }),
  );
}
