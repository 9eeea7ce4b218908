/**
 * Copies a value of any shape as one that JSON can hold.
 *
 * Values come from the application: they may be cyclic, endless, or throw when they are looked at. So the walk is bounded
 * in depth, in number and in length, and what cannot be read is named instead. What was cut ends with `…`.
 */
import { kindOf, textOf } from '../../../sdk-wasm/js/record.js';

const DEPTH_MAX = 5;
const VALUES_MAX = 1000;
const TEXT_CHARS = 8192;

/** Text of at most so many characters. */
export const cut = (text: string, max = TEXT_CHARS): string => (text.length > max ? text.slice(0, max) + '…' : text);

export function plain(value: unknown): unknown {
  let count = VALUES_MAX;
  const copy = (value: any, depth: number): unknown => {
    if (--count < 0) return '…';
    switch (typeof value) {
      case 'boolean':
      case 'undefined':
        return value;
      case 'number':
        return Number.isFinite(value) ? value : textOf(value);
      case 'object': {
        if (!value) return null;
        const kind = kindOf(value);
        if (depth > DEPTH_MAX || (kind != 'Array' && kind != 'Object')) return cut(textOf(value));
        const isList = kind == 'Array';
        const out: any = isList ? [] : {};
        for (const key of Object.keys(value)) {
          if (count <= 0) break;
          let field;
          try {
            field = value[key];
          } catch {
            field = '[unreadable]';
          }
          if (isList) out.push(copy(field, depth + 1) ?? null);
          // A property, whatever it is called.
          else Object.defineProperty(out, cut(key, 200), { value: copy(field, depth + 1), enumerable: true, configurable: true });
        }
        return out;
      }
      default:
        return cut(textOf(value));
    }
  };
  try {
    return copy(value, 0);
  } catch {
    // A proxy that does not even name its keys.
    return '[unreadable]';
  }
}
