/** What the native module does; from this React Native generates its interfaces in Kotlin, C++ and Objective-C++. */
import type { TurboModule } from 'react-native';
import { TurboModuleRegistry } from 'react-native';

/**
 * Every call but `flush` is synchronous and returns something, so that steps and alerts keep their order, and a crash
 * is on disk before the application ends by it. Where JSON is asked for, it is what the Sentry protocol has.
 */
export interface Spec extends TurboModule {
  /** Starts reporting. Returns an empty text, or why nothing will be reported. */
  readonly start: (dsn: string, options: Object) => string;
  /** Reports an event. */
  readonly sendEvent: (json: string) => boolean;
  /** The same for one that is about to end the application. */
  readonly sendCrash: (json: string) => boolean;
  /** Remembers one step. */
  readonly addBreadcrumb: (json: string) => boolean;
  /** Labels every alert from now on. */
  readonly setTag: (key: string, value: string) => boolean;
  /** Says whose work every alert from now on is about; of an empty object, nobody's. */
  readonly setUser: (json: string) => boolean;
  /** Waits until everything reported so far has left; says whether it has. */
  readonly flush: (timeoutMs: number) => Promise<boolean>;
}

export default TurboModuleRegistry.get<Spec>('ErrorSentinel');
