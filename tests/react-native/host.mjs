// The other host: without the native module, but with the one that React Native's `fetch` asks for. An engine of plain
// JavaScript (no `crypto`, no `TextEncoder`, no WebAssembly, no `fetch` of its own), as React Native may have one.
//
// usage: node host.mjs BUNDLE SCENARIO DSN
import { readFileSync } from 'node:fs';
import http from 'node:http';
import vm from 'node:vm';

const [bundle, scenario, dsn] = process.argv.slice(2);
/** How a process ends that dies of an error. */
const DIED = 10;
let microtasks = [];
let lastRequest = 0;

const drain = () => {
  while (microtasks.length) microtasks.shift()();
};
/** Runs what comes from the system, then what it left to be done. */
const turn = (work) => {
  try {
    work();
    drain();
  } catch (trouble) {
    console.error('the host failed:', trouble);
    process.exit(3);
  }
};
const emit = (name, body) => turn(() => context.__rctDeviceEventEmitter.emit(name, body));

const modules = {
  NativeMicrotasksCxx: { queueMicrotask: (work) => void microtasks.push(work) },
  NativePerformanceCxx: { now: () => performance.now() },
  NativeReactNativeFeatureFlagsCxx: new Proxy({}, { get: () => () => false }),
  ExceptionsManager: {
    reportException({ isFatal, message }) {
      console.log(`${isFatal ? 'died of' : 'told of'} ${message}`);
      if (isFatal) process.exit(DIED);
    },
  },
  Networking: {
    addListener() {},
    removeListeners() {},
    abortRequest() {},
    sendRequest({ method, url, headers, data, responseType }, callback) {
      const id = ++lastRequest;
      const body = data?.base64 ? Buffer.from(data.base64, 'base64') : (data?.string ?? '');
      const request = http.request(url, { method, headers }, (response) => {
        const parts = [];
        response.on('data', (part) => parts.push(part));
        response.on('end', () => {
          emit('didReceiveNetworkResponse', [id, response.statusCode, response.headers, url]);
          emit('didReceiveNetworkData', [id, Buffer.concat(parts).toString(responseType == 'base64' ? 'base64' : 'utf8')]);
          emit('didCompleteNetworkResponse', [id, '', false]);
        });
      });
      request.on('error', (error) => emit('didCompleteNetworkResponse', [id, String(error), false]));
      request.end(body);
      callback(id);
    },
  },
};

const context = vm.createContext({
  RN$Bridgeless: true,
  RN$registerCallableModule() {},
  nativeModuleProxy: {},
  __turboModuleProxy: (name) => modules[name] ?? null,
  nativeLoggingHook: (text) => process.stderr.write(text + '\n'),
  setTimeout: (work, ms) => Number(setTimeout(() => turn(work), ms)),
  clearTimeout: (timer) => clearTimeout(timer),
  print: (text) => console.log(text),
  quit: (status) => process.exit(status),
  scenario,
  dsn,
});
vm.runInContext('delete globalThis.WebAssembly;', context);
turn(() => vm.runInContext(readFileSync(bundle, 'utf8'), context, { filename: '/var/containers/Bundle/Application/5B1C/Shop.app/main.jsbundle' }));
