import type { AlertOptions, Breadcrumb, NavigationContainer, NavigationReference, Options, User } from './options.js';
export type * from './options.js';
/**
 * Starts reporting to a DSN. Where the native part of the application runs already, it is joined, and reports by its
 * own settings. A DSN that is none is said on the console, and nothing is sent.
 */
export declare function init(dsn: string, options?: Options): void;
/** Reports an error, or anything else, and returns the id under which the collector shows it. */
export declare const sendAlert: (error: unknown, options?: AlertOptions) => string;
/** Remembers one step; the last ones travel with every alert. */
export declare const addBreadcrumb: (crumb: Breadcrumb | string) => void;
/** Says whose work every alert from now on is about; `null` when nobody's. */
export declare const setUser: (user: User | null) => void;
/** Labels every alert from now on. */
export declare const setTag: (key: string, value: unknown) => void;
/** Waits until everything reported so far has left, at most `timeoutMs`; says whether it has. */
export declare const flush: (timeoutMs?: number) => Promise<boolean>;
/**
 * Remembers which screens somebody goes to, from a container of React Navigation: its reference, or what
 * `createNavigationContainerRef` returns. Returns what ends it.
 */
export declare const trackNavigation: (container: NavigationContainer | NavigationReference) => (() => void);
/** Remembers that somebody went to a screen, for any other kind of navigation. */
export declare const addNavigation: (screen: string) => void;
