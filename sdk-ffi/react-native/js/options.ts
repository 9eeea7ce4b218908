/** What can be set. */
import type { Event } from '../../../sdk-wasm/js/options.js';

export type { AlertOptions, Breadcrumb, Event, Level, User } from '../../../sdk-wasm/js/options.js';

/** Where the SDK listens. Each can be switched off. */
export interface Hooks {
  /** Errors that nobody caught. */
  errors?: boolean;
  /** Promises that nobody caught. */
  rejections?: boolean;
  /** `console.error` as an alert, the other methods as breadcrumbs. */
  console?: boolean;
}

export interface Options {
  /** Version of the application. Android has a default: `PACKAGE@VERSION_NAME+VERSION_CODE`. */
  release?: string;
  /** `production`, `staging`… Default: `development` in a development build, else `production`. */
  environment?: string;
  /** Name of the application, where one project has several. */
  app?: string;
  /** Reports only this share of all alerts, from 0 to 1; crashes are reported always. Not without the native module. */
  sampleRate?: number;
  /** Steps remembered before an alert: 50 unless said otherwise, 100 at most. */
  maxBreadcrumbs?: number;
  /** Changes an event, or drops it by returning `null`. */
  beforeSend?: (event: Event) => Event | null;
  hooks?: Hooks;
}

/** What a container of React Navigation can do, as far as it is used here. */
export interface NavigationContainer {
  addListener(event: 'state', listener: () => void): () => void;
  getCurrentRoute(): { name: string } | undefined;
}

/** The same, as `useRef` holds it. */
export interface NavigationReference {
  readonly current: NavigationContainer | null;
}
