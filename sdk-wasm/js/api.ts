/** The calls of the SDK, and the one instance of it that a page has. */
import { Client } from './client.js';
import type { Core } from './core.js';
import { install } from './hooks.js';
import type { AlertOptions, Breadcrumb, ErrorSentinel, Options, User } from './options.js';

type MakeCore = () => Promise<Core>;

/** Calls that do nothing until `init`, and everything after it. */
export class Sentinel implements ErrorSentinel {
  client?: Client;

  constructor(private readonly makeCore: MakeCore) {}

  init(options: Options = {}): void {
    // The first one that knows where to send begins; a second one would listen at every door twice.
    if (this.client?.isOn) return this.client.change(options);
    const client = new Client(options);
    this.client = client;
    if (!client.isOn) return;
    client.run(() => install(client));
    client.start(this.makeCore());
  }

  sendAlert(error: unknown, options?: AlertOptions): string {
    return this.client ? this.client.capture(error, { mechanism: 'send_alert', handled: true }, options) : '';
  }

  addBreadcrumb(crumb: Breadcrumb | string): void {
    this.client?.addBreadcrumb(crumb);
  }

  setUser(user: User | null): void {
    this.client?.setUser(user);
  }

  setTag(key: string, value: unknown): void {
    this.client?.setTag(key, value);
  }

  flush(timeoutMs?: number): Promise<boolean> {
    return this.client ? this.client.flush(timeoutMs) : Promise.resolve(true);
  }
}
