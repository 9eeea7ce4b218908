/** What can be set, by `init` or by the attributes of the script tag. */
/** Which of the page's doors the SDK listens at. Each can be switched off. */
export interface Hooks {
    /** Uncaught errors. */
    errors?: boolean;
    /** Promises that nobody caught. */
    rejections?: boolean;
    /** `console.error` as an alert, the other methods as breadcrumbs. */
    console?: boolean;
    /** `history.pushState`, `replaceState` and the back button as breadcrumbs. */
    history?: boolean;
    /** `fetch` as breadcrumbs, without bodies. */
    fetch?: boolean;
    /** `XMLHttpRequest` as breadcrumbs, without bodies. */
    xhr?: boolean;
    /** Clicks as breadcrumbs. */
    clicks?: boolean;
    /** Changed form fields as breadcrumbs, without their values. */
    inputs?: boolean;
    /** Images, scripts and styles that fail to load; off unless asked for. */
    resources?: boolean;
}
export interface User {
    id?: string | number;
    email?: string;
    username?: string;
    ip_address?: string;
    [more: string]: unknown;
}
export type Level = 'debug' | 'info' | 'warning' | 'error' | 'fatal';
export interface Breadcrumb {
    type?: string;
    category?: string;
    message?: string;
    level?: Level;
    data?: Record<string, unknown>;
}
/** An event as the protocol has it; see https://develop.sentry.dev/sdk/foundations/data-model/event-payloads/. */
export type Event = Record<string, any>;
export interface Options {
    /** Where alerts go: `https://KEY@HOST/PROJECT`. */
    dsn?: string;
    /** Version of the application. */
    release?: string;
    /** `production`, `staging`… */
    environment?: string;
    /** Name of the application, where one project has several. */
    app?: string;
    /** A path of your own server that forwards the body unchanged to the collector's `/api/PROJECT/envelope/`, for visitors
     * who block trackers. */
    tunnel?: string;
    /** Steps remembered before an alert: 20 unless said otherwise, 100 at most. */
    maxBreadcrumbs?: number;
    /** Changes an event, or drops it by returning `null`; one that throws changes nothing. What is sent before the core is
     * there, or where it never comes, does not pass it. */
    beforeSend?: (event: Event) => Event | null;
    /** Sends the header `traceparent` with requests to the page's own origin, so that a page's error meets its service's. */
    traceparent?: boolean;
    /** Keeps what could not be sent in `localStorage` until the next visit; on unless switched off. */
    offline?: boolean;
    hooks?: Hooks;
}
export interface AlertOptions {
    level?: Level;
    tags?: Record<string, unknown>;
    extra?: Record<string, unknown>;
    /** Groups the alert with others of the same parts; `{{ default }}` stands for the collector's own grouping. */
    fingerprint?: string[];
}
/** The calls of the SDK; none of them ever throws. */
export interface ErrorSentinel {
    /** Starts reporting; what is set here wins over the script tag's attributes. Called again it changes what it is given,
     * all but `dsn`, `tunnel` and `maxBreadcrumbs`; hooks that were off from the start stay off. */
    init(options?: Options): void;
    /** Reports an error, or anything else, and returns the id under which the collector shows it. */
    sendAlert(error: unknown, options?: AlertOptions): string;
    /** Remembers one step; the last ones travel with every alert. */
    addBreadcrumb(crumb: Breadcrumb | string): void;
    /** Says whose work every alert from now on is about; `null` when nobody's. */
    setUser(user: User | null): void;
    /** Labels every alert from now on. */
    setTag(key: string, value: unknown): void;
    /** Waits until everything reported so far has left, at most `timeoutMs`; says whether it has. */
    flush(timeoutMs?: number): Promise<boolean>;
}
