/**
 * Stacks as the engines of React Native write them: Hermes, compiled and not, and JavaScriptCore; and V8, of tests and
 * remote debuggers.
 *
 * No standard says how a stack looks, and any code can set one: a line of no known form is left out, the rest counts.
 */

/** A frame as the protocol has it. */
export interface Frame {
  function: string;
  filename?: string;
  abs_path?: string;
  lineno?: number;
  colno?: number;
  in_app?: boolean;
}

/** Most frames that the collector keeps of a stack. */
const FRAMES_MAX = 256;
/** Longest line that is looked at. */
const LINE_CHARS = 2048;
/** What the engines write in place of a file for their own functions. */
const OWN = /^(native|\[native code\]|<anonymous>)$/;

/**
 * Reads a stack, the oldest call first; the `skip` innermost frames are ours.
 *
 * `heading` is what the stack may begin with, the error's name and message; its lines are never frames.
 */
export function parseStack(stack: string, heading = '', skip = 0): Frame[] {
  const at = heading ? stack.indexOf(heading) : -1;
  // `TypeError: ` may stand before it.
  const body = at >= 0 && at < 200 && !stack.slice(0, at).includes('\n') ? stack.slice(at + heading.length) : stack;
  const frames: Frame[] = [];
  for (const line of body.split('\n')) {
    const frame = line.length <= LINE_CHARS ? parseLine(line.trim()) : undefined;
    if (frame) frames.push(frame);
  }
  const kept = frames.slice(skip);
  // Both ends tell more than the middle of an endless recursion.
  if (kept.length > FRAMES_MAX) kept.splice(FRAMES_MAX / 2, kept.length - FRAMES_MAX);
  return kept.reverse();
}

function parseLine(line: string): Frame | undefined {
  if (line.startsWith('at ')) {
    // `at pay (address at index.android.bundle:1:12345)`, `at https://…:3:4`, `at map (native)`
    const open = line.endsWith(')') ? line.indexOf(' (') : -1;
    return open < 0 ? frame('', line.slice(3)) : frame(line.slice(3, open), line.slice(open + 2, -1));
  }
  // `pay@index.ios.bundle:3:4`, `map@[native code]`, `index.ios.bundle:3:4`; both halves may hold an `@`.
  if (/^[a-z]+:\/\//.test(line)) return frame('', line);
  const parts = /^(.*?)@((?:[a-z]+:\/\/|\/|\[native code\]).*|[^@]*)$/.exec(line);
  if (parts) return frame(parts[1]!, parts[2]!);
  return /^\S+:\d+:\d+$/.test(line) ? frame('', line) : undefined;
}

/** A frame of a function at a place; `undefined` when that is none, as in prose. */
function frame(name: string, place: string): Frame | undefined {
  const parts = /^(?:address at )?(.*?)(?::(\d+))?(?::(\d+))?$/.exec(place);
  const file = parts?.[1] || '';
  const isOwn = OWN.test(file);
  if (!isOwn && !parts?.[2]) return undefined;
  const found: Frame = { function: functionName(name) };
  if (isOwn) {
    found.filename = file;
    found.in_app = false;
    return found;
  }
  found.filename = fileName(file);
  if (found.filename != file) found.abs_path = file;
  found.lineno = Number(parts![2]);
  if (parts![3]) found.colno = Number(parts![3]);
  // Hermes' own functions that are written in JavaScript.
  if (/(^|\/)InternalBytecode\.js$/.test(file)) found.in_app = false;
  return found;
}

/** The function without how it came to be called. */
function functionName(name: string): string {
  const bare = name.replace(/^(async|new) /, '');
  return /^(global|global code|module code|eval code|anonymous|)$/.test(bare) ? '?' : bare;
}

/**
 * The file without what differs between devices and starts: the folder of an installation, of which iOS draws the name
 * anew each time, and the settings of a development server.
 */
function fileName(file: string): string {
  if (/^https?:/.test(file)) return file.replace(/[?#].*$|\/\/&.*$/, '');
  return file.slice(file.lastIndexOf('/') + 1) || file;
}

/** The frames as V8 writes them, newest first: what the browser SDK's core reads. */
export function asText(frames: Frame[]): string {
  const line = ({ function: name, filename, lineno, colno }: Frame) =>
    `at ${name} (${filename ?? '<anonymous>'}${lineno ? `:${lineno}` : ''}${colno ? `:${colno}` : ''})`;
  return frames.map(line).reverse().join('\n');
}
