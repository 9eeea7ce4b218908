/** What the script tag gives a page, for those who write its code in TypeScript: `import '@error-sentinel/browser/sentinel.js'`. */
import type { AlertOptions, ErrorSentinel as Calls } from './options.js';

declare global {
  /** The calls of the SDK; they work from the first moment. */
  var ErrorSentinel: Calls;
  /** Reports an error, or anything else, and returns the id under which the collector shows it. */
  var sendAlert: (error: unknown, options?: AlertOptions) => string;
}

export {};
