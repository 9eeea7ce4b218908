/**
 * Writes a value of any shape as a record, the text that the core reads (see `src/record.rs`).
 *
 * Values come from the page: they may be cyclic, endless, or throw when they are looked at. So the walk is bounded
 * in depth, in number and in length, and what cannot be read is named instead. What was cut ends with `…`.
 */

const END = '\x1f';
const DEPTH_MAX = 5;
const VALUES_MAX = 1000;
const TEXT_CHARS = 8192;
const STACK_CHARS = 32_768;
const RECORD_CHARS = 120_000;

/** A stack as its engine wrote it; the `skip` innermost frames are ours. */
export class Stack {
  constructor(
    readonly text: string,
    readonly skip = 0,
  ) {}
}

/** `Array`, `Object`, `HTMLDivElement`…: what an object is, whatever realm it is of. */
export function kindOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

/** Any value as a short text; never throws. */
export function textOf(value: unknown): string {
  try {
    return String(value);
  } catch {
    return '[unreadable]';
  }
}

/** The record of a value, with about `chars` characters of text at most. */
export function record(value: unknown, chars = RECORD_CHARS): string {
  let count = VALUES_MAX;
  const text = (mark: string, value: string, max = TEXT_CHARS) => {
    max = Math.min(max, chars);
    const cut = value.length > max ? value.slice(0, max) + '…' : value;
    chars = Math.max(chars - cut.length, 0);
    return mark + cut.replaceAll(END, ' ') + END;
  };

  const put = (value: any, depth: number): string => {
    if (--count < 0) return text('s', '…');
    switch (typeof value) {
      case 'string':
        return text('s', value);
      case 'boolean':
        return (value ? 't' : 'f') + END;
      case 'number':
        // Code that writes floating point numbers would be a quarter of the core's download.
        return text(Number.isSafeInteger(value) ? 'i' : 's', '' + value);
      case 'object': {
        if (!value) return 'n' + END;
        if (value instanceof Stack) return text('x' + value.skip, value.text, STACK_CHARS);
        const kind = kindOf(value);
        if (depth > DEPTH_MAX || (kind != 'Array' && kind != 'Object')) return text('s', textOf(value));
        let out = (kind == 'Array' ? '[' : '{') + END;
        for (const key of Object.keys(value)) {
          let field;
          try {
            field = value[key];
          } catch {
            field = '[unreadable]';
          }
          if (count <= 0) break;
          if (kind == 'Array') out += put(field, depth + 1);
          else if (field !== undefined) out += text('k', key) + put(field, depth + 1);
        }
        return out + ']' + END;
      }
      default:
        return text('s', textOf(value));
    }
  };
  try {
    return put(value, 0);
  } catch {
    // A proxy that does not even name its keys.
    return 'n' + END;
  }
}
