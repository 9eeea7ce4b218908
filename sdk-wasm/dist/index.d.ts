import type { AlertOptions, Breadcrumb, Options, User } from './options.js';
export type * from './options.js';
/** Starts reporting. */
export declare const init: (options?: Options) => void;
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
