/** Where everything goes: the engine of the SDK, wherever it runs. What to send and when is its decision. */
import type { Event } from './options.js';

export interface Sink {
  sendEvent(event: Event): void;
  /** The same for an event that is about to end the application. */
  sendCrash(event: Event): void;
  /** Counts events that were lost before they came here. */
  lose(count: number): void;
  addBreadcrumb(crumb: Record<string, unknown>): void;
  setTag(key: string, value: string): void;
  /** Of an empty object, nobody's. */
  setUser(user: Record<string, unknown>): void;
  flush(timeoutMs: number): Promise<boolean>;
}
