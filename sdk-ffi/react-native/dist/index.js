var __defProp = Object.defineProperty;
var __defNormalProp = (obj, key, value) => key in obj ? __defProp(obj, key, { enumerable: true, configurable: true, writable: true, value }) : obj[key] = value;
var __publicField = (obj, key, value) => __defNormalProp(obj, typeof key !== "symbol" ? key + "" : key, value);

// spec/NativeErrorSentinel.ts
import { TurboModuleRegistry } from "react-native";
var NativeErrorSentinel_default = TurboModuleRegistry.get("ErrorSentinel");

// ../../sdk-wasm/js/dsn.ts
function parseDsn(text) {
  const parts = /^\s*(https?:\/\/)(\w+)(?::\w*)?@(.+)\/(\d+)\/?\s*$/i.exec(text);
  return parts && { base: parts[1] + parts[3], key: parts[2], project: parts[4] };
}

// ../../sdk-wasm/js/record.ts
var Stack = class {
  constructor(text, skip = 0) {
    __publicField(this, "text", text);
    __publicField(this, "skip", skip);
  }
};
function kindOf(value) {
  return Object.prototype.toString.call(value).slice(8, -1);
}
function textOf(value) {
  try {
    return String(value);
  } catch {
    return "[unreadable]";
  }
}

// ../../sdk-wasm/js/exception.ts
var COUNT_MAX = 20;
function isError(value) {
  try {
    return /^(Error|DOMException|Exception)$/.test(kindOf(value)) || value instanceof Error || typeof value == "object" && typeof value.stack == "string" && typeof value.message == "string";
  } catch {
    return false;
  }
}
function describe(thrown, mechanism, place, skip) {
  const stack = (text, skip2) => text ? new Stack(text, skip2) : void 0;
  if (!isError(thrown)) {
    const isObject = thrown && typeof thrown == "object";
    const value = isObject ? outline(thrown) : textOf(thrown);
    return [{ value, type: isObject ? kindOf(thrown) : typeof thrown, mechanism: { ...mechanism, synthetic: true }, stacktrace: stack(place) }];
  }
  const seen = [];
  const exceptions2 = [];
  const add = (error, parent_id, source) => {
    if (seen.length >= COUNT_MAX || seen.includes(error)) return;
    const id = seen.push(error) - 1;
    const one = { value: "", type: "Error", mechanism: source ? { type: source, handled: mechanism.handled, parent_id } : { ...mechanism } };
    exceptions2.push(one);
    if (!isError(error)) {
      one.value = textOf(error);
      one.type = typeof error;
      return;
    }
    try {
      one.type = textOf(error.name || "Error");
      one.value = textOf(error.message);
      one.stacktrace = error.stack ? stack(textOf(error.stack), skip) : stack(place);
      if (error.cause != null) add(error.cause, id, "cause");
      if (Array.isArray(error.errors)) {
        one.mechanism.is_exception_group = true;
        error.errors.forEach((part, at) => add(part, id, `errors[${at}]`));
      }
    } catch {
    }
  };
  add(thrown);
  if (exceptions2.length > 1) exceptions2.forEach(({ mechanism: mechanism2 }, id) => mechanism2.exception_id = id);
  return exceptions2.reverse();
}
function outline(thrown) {
  try {
    return typeof thrown.message == "string" ? thrown.message : `{${Object.keys(thrown).slice(0, 20).join(", ")}}`;
  } catch {
    return "[unreadable]";
  }
}

// js/plain.ts
var DEPTH_MAX = 5;
var VALUES_MAX = 1e3;
var TEXT_CHARS = 8192;
var cut = (text, max = TEXT_CHARS) => text.length > max ? text.slice(0, max) + "\u2026" : text;
function plain(value) {
  let count = VALUES_MAX;
  const copy = (value2, depth) => {
    if (--count < 0) return "\u2026";
    switch (typeof value2) {
      case "boolean":
      case "undefined":
        return value2;
      case "number":
        return Number.isFinite(value2) ? value2 : textOf(value2);
      case "object": {
        if (!value2) return null;
        const kind = kindOf(value2);
        if (depth > DEPTH_MAX || kind != "Array" && kind != "Object") return cut(textOf(value2));
        const isList = kind == "Array";
        const out = isList ? [] : {};
        for (const key of Object.keys(value2)) {
          if (count <= 0) break;
          let field;
          try {
            field = value2[key];
          } catch {
            field = "[unreadable]";
          }
          if (isList) out.push(copy(field, depth + 1) ?? null);
          else Object.defineProperty(out, cut(key, 200), { value: copy(field, depth + 1), enumerable: true, configurable: true });
        }
        return out;
      }
      default:
        return cut(textOf(value2));
    }
  };
  try {
    return copy(value, 0);
  } catch {
    return "[unreadable]";
  }
}

// js/stack.ts
var FRAMES_MAX = 256;
var LINE_CHARS = 2048;
var OWN = /^(native|\[native code\]|<anonymous>)$/;
function parseStack(stack, heading = "", skip = 0) {
  const at = heading ? stack.indexOf(heading) : -1;
  const body = at >= 0 && at < 200 && !stack.slice(0, at).includes("\n") ? stack.slice(at + heading.length) : stack;
  const frames = [];
  for (const line of body.split("\n")) {
    const frame2 = line.length <= LINE_CHARS ? parseLine(line.trim()) : void 0;
    if (frame2) frames.push(frame2);
  }
  const kept = frames.slice(skip);
  if (kept.length > FRAMES_MAX) kept.splice(FRAMES_MAX / 2, kept.length - FRAMES_MAX);
  return kept.reverse();
}
function parseLine(line) {
  if (line.startsWith("at ")) {
    const open = line.endsWith(")") ? line.indexOf(" (") : -1;
    return open < 0 ? frame("", line.slice(3)) : frame(line.slice(3, open), line.slice(open + 2, -1));
  }
  if (/^[a-z]+:\/\//.test(line)) return frame("", line);
  const parts = /^(.*?)@((?:[a-z]+:\/\/|\/|\[native code\]).*|[^@]*)$/.exec(line);
  if (parts) return frame(parts[1], parts[2]);
  return /^\S+:\d+:\d+$/.test(line) ? frame("", line) : void 0;
}
function frame(name, place) {
  const parts = /^(?:address at )?(.*?)(?::(\d+))?(?::(\d+))?$/.exec(place);
  const file = parts?.[1] || "";
  const isOwn = OWN.test(file);
  if (!isOwn && !parts?.[2]) return void 0;
  const found = { function: functionName(name) };
  if (isOwn) {
    found.filename = file;
    found.in_app = false;
    return found;
  }
  found.filename = fileName(file);
  if (found.filename != file) found.abs_path = file;
  found.lineno = Number(parts[2]);
  if (parts[3]) found.colno = Number(parts[3]);
  if (/(^|\/)InternalBytecode\.js$/.test(file)) found.in_app = false;
  return found;
}
function functionName(name) {
  const bare = name.replace(/^(async|new) /, "");
  return /^(global|global code|module code|eval code|anonymous|)$/.test(bare) ? "?" : bare;
}
function fileName(file) {
  if (/^https?:/.test(file)) return file.replace(/[?#].*$|\/\/&.*$/, "");
  return file.slice(file.lastIndexOf("/") + 1) || file;
}

// js/client.ts
var PENDING_MAX = 200;
var PENDING_BREADCRUMBS_MAX = 100;
var TAG_CHARS = 200;
var Client = class {
  constructor(options) {
    __publicField(this, "options", options);
    __publicField(this, "sink");
    /** Nothing will be reported. */
    __publicField(this, "isOver", false);
    __publicField(this, "pending", []);
    __publicField(this, "lostCount", 0);
    /** Errors seen by one of the hooks: what was reported once is not reported again by the next. */
    __publicField(this, "seen", /* @__PURE__ */ new WeakMap());
    /** Set while our own code runs, or code that only repeats what was reported, so that it is not reported. */
    __publicField(this, "isBusy", false);
    __publicField(this, "tellStarted", () => void 0);
    __publicField(this, "started", new Promise((done) => this.tellStarted = done));
  }
  /** The engine is there, or it never will be. */
  start(sink) {
    this.sink = sink;
    this.isOver = !sink;
    for (const work of this.pending.splice(0)) this.use(work);
    if (this.lostCount) sink?.lose(this.lostCount);
    this.tellStarted(sink);
  }
  /** Gives work to the engine, as soon as it is there; says whether there is room for it until then. */
  use(work, pendingMax = PENDING_MAX) {
    if (this.sink) work(this.sink);
    else if (this.isOver || this.pending.length >= pendingMax) return false;
    else this.pending.push(work);
    return true;
  }
  /** Runs our own code: nothing gets out of it. */
  run(work) {
    try {
      return this.quietly(work);
    } catch {
      return void 0;
    }
  }
  /** Runs code whose errors are not to be reported by the hooks; what it throws is thrown on. */
  quietly(work) {
    const wasBusy = this.isBusy;
    this.isBusy = true;
    try {
      return work();
    } finally {
      this.isBusy = wasBusy;
    }
  }
  /** Takes an error and returns the id under which the collector shows it. */
  capture(thrown, origin, options = {}) {
    return !this.isOver && this.run(() => this.take(thrown, origin, options)) || "";
  }
  take(thrown, { mechanism, handled, isFatal, skip }, options) {
    const isObject = thrown && (typeof thrown == "object" || typeof thrown == "function");
    if (isObject) {
      const before = this.seen.get(thrown);
      if (before && mechanism != "send_alert") return "";
      this.seen.set(thrown, mechanism);
    }
    const isText = typeof thrown == "string" && mechanism == "send_alert";
    const id = randomId();
    const event = {
      event_id: id,
      timestamp: Date.now() / 1e3,
      platform: "javascript",
      level: options.level ?? (isFatal ? "fatal" : "error"),
      sdk: { name: "error-sentinel.react-native", version: "0.1.0" },
      logentry: isText ? { formatted: cut(thrown) } : void 0,
      exception: isText ? void 0 : { values: exceptions(thrown, mechanism, handled, skip) },
      tags: texts(options.tags),
      fingerprint: plain(options.fingerprint),
      contexts: { runtime: { name: engineName() } },
      extra: plain(isObject && !isError(thrown) ? { thrown, ...options.extra } : { ...componentStack(thrown), ...options.extra })
    };
    const changed = this.ask(event);
    if (changed && !this.use((sink) => isFatal ? sink.sendCrash(changed) : sink.sendEvent(changed))) this.lostCount++;
    return id;
  }
  /** Lets the application's `beforeSend` look at it. */
  ask(event) {
    const { beforeSend } = this.options;
    if (!beforeSend) return event;
    try {
      const changed = beforeSend(event);
      return changed && JSON.parse(JSON.stringify(changed));
    } catch {
      return event;
    }
  }
  addBreadcrumb(crumb) {
    this.run(() => {
      const given = typeof crumb == "string" ? { message: crumb } : crumb;
      const step = plain({ timestamp: Date.now() / 1e3, ...given });
      this.use((sink) => sink.addBreadcrumb(step), PENDING_BREADCRUMBS_MAX);
    });
  }
  setUser(user) {
    this.run(() => {
      const id = user?.id == null ? void 0 : textOf(user.id);
      const whole = user ? plain({ ...user, id }) : {};
      this.use((sink) => sink.setUser(whole));
    });
  }
  setTag(key, value) {
    this.run(() => {
      for (const [name, text] of Object.entries(texts({ [key]: value }))) this.use((sink) => sink.setTag(name, text));
    });
  }
  async flush(timeoutMs = 2e3) {
    try {
      const sink = await this.started;
      return sink ? await sink.flush(timeoutMs) : true;
    } catch {
      return false;
    }
  }
};
function exceptions(thrown, mechanism, handled, skip) {
  return describe(thrown, { type: mechanism, handled }, void 0, skip).map(({ stacktrace, ...one }) => ({
    ...one,
    value: cut(one.value),
    stacktrace: stacktrace && framed(stacktrace.text, one.value, stacktrace.skip)
  }));
}
function framed(text, heading, skip) {
  const frames = parseStack(text, heading, skip);
  return frames.length ? { frames } : void 0;
}
function componentStack(thrown) {
  const stack = thrown?.componentStack;
  return typeof stack == "string" ? { componentStack: cut(stack) } : {};
}
function texts(tags = {}) {
  const entries = Object.entries(tags).filter(([, value]) => value != null);
  return Object.fromEntries(entries.map(([key, value]) => [textOf(key).slice(0, TAG_CHARS), textOf(value).slice(0, TAG_CHARS)]));
}
function engineName() {
  return globalThis.HermesInternal ? "hermes" : "javascript";
}
function randomId() {
  const bytes = new Uint8Array(16);
  const { crypto } = globalThis;
  if (crypto?.getRandomValues) crypto.getRandomValues(bytes);
  else bytes.forEach((_, at) => bytes[at] = Math.random() * 256);
  return Array.from(bytes, (byte) => (byte + 256).toString(16).slice(1)).join("");
}

// js/hooks.ts
import ReactNativePromise from "promise/setimmediate/core.js";
import tracking from "promise/setimmediate/rejection-tracking.js";
var world = globalThis;
function install(client) {
  const hooks = client.options.hooks ?? {};
  if (hooks.errors !== false) installErrors(client);
  if (hooks.rejections !== false) client.run(() => installRejections(client));
  if (hooks.console !== false) installConsole(client);
}
function installErrors(client) {
  const utils = world.ErrorUtils;
  if (!utils?.setGlobalHandler) return;
  const previous = utils.getGlobalHandler?.();
  utils.setGlobalHandler((error, isFatal) => {
    client.capture(error, { mechanism: "onerror", handled: false, isFatal: !!isFatal });
    return client.quietly(() => previous?.(error, isFatal));
  });
}
function installRejections(client) {
  const options = {
    allRejections: true,
    onUnhandled: (id, reason) => {
      client.capture(reason, { mechanism: "onunhandledrejection", handled: false });
      if (world.__DEV__) client.quietly(() => console.error(`Uncaught (in promise, id: ${id})`, reason));
    },
    onHandled: () => void 0
  };
  const hermes = world.HermesInternal;
  if (hermes?.hasPromise?.() && hermes.enablePromiseRejectionTracker) hermes.enablePromiseRejectionTracker(options);
  else if (world.Promise === ReactNativePromise) tracking.enable(options);
  else console.warn('Error Sentinel: promises that nobody catches are not reported; is the package "promise" installed twice?');
}
function installConsole(client) {
  for (const name of ["error", "warn", "info", "log", "debug"]) {
    const original = world.console?.[name];
    if (typeof original != "function") continue;
    world.console[name] = function(...args) {
      if (!client.isBusy) client.run(() => onConsole(client, name, args));
      return original.apply(this, args);
    };
  }
}
function onConsole(client, name, args) {
  const message = args.map(textOf).join(" ");
  if (name != "error" || message.startsWith("Warning: ")) {
    const level = name == "warn" || name == "error" ? "warning" : name == "debug" ? "debug" : "info";
    client.addBreadcrumb({ category: "console", message, level });
    return;
  }
  const origin = { mechanism: "console", handled: true };
  const error = args.find(isError);
  if (error) client.capture(error, origin, args.length > 1 ? { extra: { console: message } } : {});
  else client.capture({ name: "console.error", message, stack: new Error().stack }, { ...origin, skip: OWN_FRAMES });
}
var OWN_FRAMES = 5;

// js/native.ts
function startNative(native, dsn, options) {
  const { release, environment, app, sampleRate, maxBreadcrumbs } = options;
  const given = Object.entries({ release, environment, app, sampleRate, maxBreadcrumbs }).filter(([, value]) => value != null);
  try {
    const trouble = native.start(dsn, Object.fromEntries(given));
    if (trouble) return trouble;
  } catch (trouble) {
    return textOf(trouble);
  }
  return {
    sendEvent: (event) => void native.sendEvent(JSON.stringify(event)),
    sendCrash: (event) => void native.sendCrash(JSON.stringify(event)),
    // It is there from the first moment, so nothing is.
    lose: () => void 0,
    addBreadcrumb: (crumb) => void native.addBreadcrumb(JSON.stringify(crumb)),
    setTag: (key, value) => void native.setTag(key, value),
    setUser: (user) => void native.setUser(JSON.stringify(user)),
    flush: (timeoutMs) => native.flush(timeoutMs)
  };
}

// js/navigation.ts
var Navigation = class {
  constructor(client) {
    __publicField(this, "client", client);
    __publicField(this, "screen");
  }
  /** Somebody went to a screen. */
  moved(to) {
    const from = this.screen;
    if (to == from) return;
    this.screen = to;
    this.client()?.addBreadcrumb({ type: "navigation", category: "navigation", data: { from, to } });
  }
  /** Follows a container; what it returns ends that. */
  follow(container) {
    try {
      const followed = "addListener" in container ? container : container.current;
      if (!followed) return () => void 0;
      const look = () => {
        const name = followed.getCurrentRoute()?.name;
        if (name) this.moved(name);
      };
      const end = followed.addListener("state", look);
      look();
      return end;
    } catch {
      return () => void 0;
    }
  }
};

// js/index.ts
var mark = /* @__PURE__ */ Symbol.for("error-sentinel.react-native");
var shared = globalThis[mark] ??= {};
var navigation = new Navigation(() => shared.client);
function init(dsn, options = {}) {
  if (shared.client && !shared.client.isOver) return;
  const isDevelopment = globalThis.__DEV__ === true;
  const client = new Client(options);
  client.run(() => {
    const settled = { ...options, environment: options.environment ?? (isDevelopment ? "development" : void 0) };
    const refused = (why) => {
      console.warn(`Error Sentinel: nothing will be reported: ${why}`);
      client.start(void 0);
    };
    const parsed = parseDsn(dsn);
    if (!parsed) refused("the DSN is not valid");
    else if (NativeErrorSentinel_default) {
      const sink = startNative(NativeErrorSentinel_default, dsn, settled);
      if (typeof sink == "string") refused(sink);
      else client.start(sink);
    } else {
      import("./fallback.js").then(
        ({ startFallback }) => client.start(startFallback(parsed, settled)),
        (trouble) => refused(String(trouble))
      );
    }
    shared.client = client;
    if (!client.isOver) install(client);
  });
}
var sendAlert = (error, options) => shared.client?.capture(error, { mechanism: "send_alert", handled: true }, options) ?? "";
var addBreadcrumb = (crumb) => shared.client?.addBreadcrumb(crumb);
var setUser = (user) => shared.client?.setUser(user);
var setTag = (key, value) => shared.client?.setTag(key, value);
var flush = (timeoutMs) => shared.client?.flush(timeoutMs) ?? Promise.resolve(true);
var trackNavigation = (container) => navigation.follow(container);
var addNavigation = (screen) => navigation.moved(screen);
export {
  addBreadcrumb,
  addNavigation,
  flush,
  init,
  sendAlert,
  setTag,
  setUser,
  trackNavigation
};
