// A host around the application of the tests, in the engine's own program, which knows no modules in C++: the native
// module writes down what it is told. Timers keep their order, and take no time.
var host = globalThis;
var microtasks = [], timers = [], last = 0, now = 0;
var soon = host.setTimeout;

function drain() {
  var work;
  while ((work = microtasks.shift())) work();
}

/** The next timer; the engine does its own promises' work between two. */
function turn() {
  drain();
  timers.sort(function (a, b) { return a.due - b.due || a.id - b.id; });
  var timer = timers.shift();
  if (!timer) return;
  now = timer.due;
  timer.work();
  drain();
}

host.RN$Bridgeless = true;
host.RN$registerCallableModule = function () {};
host.nativeModuleProxy = {};
host.nativeLoggingHook = function (text) { print('log ' + text); };
host.setTimeout = function (work, ms) {
  timers.push({ id: ++last, due: now + (ms || 0), work: work });
  soon(turn, 0);
  return last;
};
host.clearTimeout = function (id) { timers = timers.filter(function (timer) { return timer.id !== id; }); };
host.quit = function () { timers = []; };

function told(name) {
  return function (text) {
    print(name + ' ' + text);
    return true;
  };
}
var off = function () { return false; };
var modules = {
  ErrorSentinel: {
    start: function () { return ''; },
    sendEvent: told('event'),
    sendCrash: told('crash'),
    addBreadcrumb: told('step'),
    setTag: told('tag'),
    setUser: told('user'),
    flush: function () { return Promise.resolve(true); },
  },
  ExceptionsManager: { reportException: function (data) { print((data.isFatal ? 'died of ' : 'told of ') + data.message); } },
  NativeMicrotasksCxx: { queueMicrotask: function (work) { microtasks.push(work); } },
  NativePerformanceCxx: { now: function () { return now; } },
  NativeReactNativeFeatureFlagsCxx: {
    enableIntersectionObserverByDefault: off,
    enableMutationObserverByDefault: off,
    enableResizeObserverByDefault: off,
  },
};
host.__turboModuleProxy = function (name) { return modules[name] || null; };
host.dsn = 'http://0123456789abcdef0123456789abcdef@127.0.0.1:9/1';
