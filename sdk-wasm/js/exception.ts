/**
 * What was thrown, as a list of exceptions: the oldest cause first, the one that surfaced last.
 *
 * Anything can be thrown, from any realm; nothing here may throw.
 */
import { kindOf, Stack, textOf } from './record.js';

interface Mechanism {
  type: string;
  handled?: boolean;
  synthetic?: boolean;
  exception_id?: number;
  parent_id?: number;
  is_exception_group?: boolean;
}

/** An exception as the wire has it, but for its stack. The message comes first: the core has to know it to read that. */
interface Exception {
  value: string;
  type: string;
  mechanism: Mechanism;
  stacktrace?: Stack;
}

/** Most exceptions of a chain. */
const COUNT_MAX = 20;

export function isError(value: any): boolean {
  try {
    return (
      /^(Error|DOMException|Exception)$/.test(kindOf(value)) ||
      value instanceof Error ||
      (typeof value == 'object' && typeof value.stack == 'string' && typeof value.message == 'string')
    );
  } catch {
    return false;
  }
}

/**
 * Describes `thrown`; `place` is where it was noticed, for what has no stack of its own, and the `skip` innermost
 * frames are ours.
 */
export function describe(thrown: any, mechanism: Mechanism, place?: string, skip?: number): Exception[] {
  const stack = (text?: string, skip?: number) => (text ? new Stack(text, skip) : undefined);
  if (!isError(thrown)) {
    const isObject = thrown && typeof thrown == 'object';
    const value = isObject ? outline(thrown) : textOf(thrown);
    return [{ value, type: isObject ? kindOf(thrown) : typeof thrown, mechanism: { ...mechanism, synthetic: true }, stacktrace: stack(place) }];
  }
  const seen: any[] = [];
  const exceptions: Exception[] = [];
  const add = (error: any, parent_id?: number, source?: string) => {
    if (seen.length >= COUNT_MAX || seen.includes(error)) return;
    const id = seen.push(error) - 1;
    const one: Exception = { value: '', type: 'Error', mechanism: source ? { type: source, handled: mechanism.handled, parent_id } : { ...mechanism } };
    exceptions.push(one);
    if (!isError(error)) {
      one.value = textOf(error);
      one.type = typeof error;
      return;
    }
    try {
      one.type = textOf(error.name || 'Error');
      one.value = textOf(error.message);
      one.stacktrace = error.stack ? stack(textOf(error.stack), skip) : stack(place);
      if (error.cause != null) add(error.cause, id, 'cause');
      if (Array.isArray(error.errors)) {
        one.mechanism.is_exception_group = true;
        error.errors.forEach((part: unknown, at: number) => add(part, id, `errors[${at}]`));
      }
    } catch {
      // A getter that throws ends what is known of this one.
    }
  };
  add(thrown);
  if (exceptions.length > 1) exceptions.forEach(({ mechanism }, id) => (mechanism.exception_id = id));
  return exceptions.reverse();
}

/** What is the same of the same error, whatever it says: V8 begins a stack with the message. */
export function surfaced({ type, value, stacktrace }: Exception): string {
  return type + stacktrace?.text.replace(value, '');
}

/** `{status, reason}`: an object that was thrown, by its message or by the names that it has. */
function outline(thrown: any): string {
  try {
    return typeof thrown.message == 'string' ? thrown.message : `{${Object.keys(thrown).slice(0, 20).join(', ')}}`;
  } catch {
    return '[unreadable]';
  }
}
