// What pages with the browser SDK are like and do: the scenarios of sentinel_page.mjs.

/** What the page is: `before` runs before everything, `csp` is its policy, `missing` what answers 404,
 * `holds` what is not answered before the page has thrown. */
export const SCENARIOS = {
  alerts: {
    before: () => {
      window.seen = { logged: 0, requested: 0 };
      const { error } = console, { fetch } = window;
      console.error = (...args) => { seen.logged += args.length; error(...args); };
      window.fetch = (...args) => { if (args[0] == "/stock") seen.requested += args.length; return fetch(...args); };
    },
    run: (page) => page.evaluate(() => shop()),
  },
  early: {
    inline: true,
    holds: /sentinel-sdk/,
    body: "<script>addEventListener('error', () => fetch('/thrown')); setTimeout(() => { throw new Error('early on purpose'); })</script>",
    async run() {},
  },
  navigated: {
    async run(page, world) {
      await page.evaluate(() => addEventListener("pagehide", () => { ErrorSentinel.sendAlert(new Error("navigated on purpose")); }));
      await page.goto("about:blank");
      await world.posted(1);
    },
  },
  closed: {
    before: watchCore,
    async run(page, world) {
      await hasCore(page);
      return closeWithAlert(page, world);
    },
  },
  "closed-early": { holds: /sentinel\.wasm/, run: closeWithAlert },
  "many-at-unload": {
    async run(page, world) {
      await page.evaluate(() => {
        addEventListener("pagehide", () => {
          for (let n = 0; n < 30; n++) ErrorSentinel.sendAlert(new Error(`number ${n} on purpose`), { fingerprint: [`number ${n}`], extra: { text: "x".repeat(3000) } });
        });
      });
      await page.goto("about:blank");
      await world.posted(1);
      // What the browser refused to carry was kept for the next visit.
      await page.goto(world.url);
      await ready(page);
      const left = () => Object.keys(localStorage).filter((key) => key.startsWith("error-sentinel:")).length;
      while (await page.evaluate(left)) await new Promise(setImmediate);
    },
  },
  "no-wasm": {
    csp: "default-src 'self'; script-src 'self' 'unsafe-inline'",
    run: alert,
  },
  // More than the core's memory has room for when it starts.
  "no-wasm-many": {
    csp: "default-src 'self'; script-src 'self' 'unsafe-inline'",
    async run(page) {
      return page.evaluate(async () => {
        // It is done when the core is there.
        await ErrorSentinel.flush(15_000);
        for (let n = 0; n < 60; n++) sendAlert(new Error(`number ${n} on purpose`), { fingerprint: [`number ${n}`], extra: { text: "x".repeat(3000) } });
        return { isSent: await ErrorSentinel.flush(15_000) };
      });
    },
  },
  "with-wasm": {
    csp: "default-src 'self'; script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'",
    async run(page, world) {
      await alert(page, world);
      await world.posted(1);
      return { wasm: world.asked("/sentinel.wasm"), fallback: world.asked("/sentinel-asm.js") };
    },
  },
  "no-connect": {
    csp: "default-src 'self'; script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'; connect-src 'none'",
    async run(page) {
      return page.evaluate(async () => {
        sendAlert(new Error("unheard on purpose"));
        history.pushState({}, "", "/basket");
        return { isSent: await ErrorSentinel.flush(300), path: location.pathname };
      });
    },
  },
  "wasm-missing": { missing: /sentinel\.wasm/, run: alert },
  "core-missing": {
    missing: /sentinel\.wasm|sentinel-asm/,
    async run(page, world) {
      await page.evaluate(() => { sendAlert(new Error("core-missing on purpose")); });
      await world.posted(1);
    },
  },
  "nothing-loads": {
    missing: /sentinel-sdk/,
    waits: false,
    async run(page, world) {
      await page.evaluate(() => { sendAlert(new Error("nothing-loads on purpose")); });
      await page.goto("about:blank");
      await world.posted(1);
    },
  },
  "no-storage": {
    before: () => Object.defineProperty(window, "localStorage", { get() { throw new DOMException("denied", "SecurityError"); } }),
    run: alert,
  },
  "no-beacon": {
    before: () => { navigator.sendBeacon = () => false; },
    async run(page, world) {
      // It is done when the core is there, without which a page keeps nothing for the next visit.
      await page.evaluate(() => ErrorSentinel.flush(15_000));
      await page.evaluate(() => addEventListener("pagehide", () => { ErrorSentinel.sendAlert(new Error("no-beacon on purpose")); }));
      await page.goto("about:blank");
      await page.goto(world.url);
      await ready(page);
      await world.posted(1);
    },
  },
  frozen: {
    before: () => {
      for (const holder of [history, console, XMLHttpRequest.prototype, History.prototype, EventTarget.prototype, Error.prototype, Array.prototype, Object.prototype])
        Object.freeze(holder);
    },
    run: alert,
  },
  twice: {
    twice: true,
    async run(page) {
      await page.evaluate(() => new Promise((resolve) => {
        addEventListener("error", () => setTimeout(resolve));
        setTimeout(() => { throw new Error("twice on purpose"); });
      }));
    },
  },
  offline: {
    async run(page, world) {
      world.isOffline = true;
      await page.evaluate(async () => { report("offline"); await ErrorSentinel.flush(300); });
      world.isOffline = false;
      await page.evaluate(() => { dispatchEvent(new Event("online")); });
    },
  },
  storm: {
    // What the browser and its driver make of a line in the console is not our time.
    before: () => { console.error = () => {}; },
    async run(page) {
      return page.evaluate(() => {
        const start = performance.now();
        for (let n = 0; n < 100_000; n++) console.error("looped on purpose");
        return { ms: performance.now() - start };
      });
    },
  },
  "early-storm": {
    before: () => { console.error = () => {}; },
    holds: /sentinel\.wasm/,
    async run(page) {
      return page.evaluate(() => {
        const start = performance.now();
        for (let n = 0; n < 100_000; n++) console.error("looped on purpose");
        void fetch("/thrown");
        return { ms: performance.now() - start };
      });
    },
  },
  // A page that stays open. Engines take milliseconds for a change. WebKit limits all but those of the hash, and takes
  // the longer for each the more of them one can go back to.
  routes: {
    before: watchCore,
    async run(page, world) {
      await hasCore(page);
      // In parts that no driver is tired of waiting for.
      const share = 200;
      const parts = Math.ceil(world.routes / share);
      const change = async (part) => {
        const { core, path } = await page.evaluate(async ({ from, to, isLimited }) => {
          for (let n = from; n < to; n++) {
            if (isLimited) location.replace(`#page-${n}`);
            else history.pushState({ n }, "", `/basket?page=${n}`);
            // Once in a while the page has time for others, as pages do.
            if (n % 50 == 0) await new Promise((resolve) => setTimeout(resolve));
          }
          return { core: coreMemory.buffer.byteLength, path: location.pathname + location.search + location.hash };
        }, { from: part * share, to: (part + 1) * share, isLimited: world.engine == "webkit" });
        return { core, heap: await page.heapBytes?.(), path };
      };
      let first, last;
      for (let part = 0; part < parts; part++) {
        last = await change(part);
        // What is made once is there after a tenth.
        if (part + 1 == parts / 10) first = last;
      }
      await alert(page, world);
      return { count: share * parts, first, last };
    },
  },
  traced: {
    attributes: "data-traceparent",
    async run(page, world) {
      await page.evaluate(async () => { await fetch("/stock"); report("traced"); });
      return { traceparent: world.headers["/stock"].traceparent };
    },
  },
  // An error of another realm, and one in a worker that uses the package.
  realms: {
    body: "<iframe></iframe>",
    async run(page, world) {
      await page.evaluate(async (dsn) => {
        const { TypeError: Foreign } = document.querySelector("iframe").contentWindow;
        sendAlert(new Foreign("foreign on purpose", { cause: new Error("the cause on purpose") }));
        const code = `import { init } from "/package/index.js"; init({ dsn: "${dsn}" }); setTimeout(function inWorker() { throw new RangeError("worker on purpose"); });`;
        const worker = new Worker(URL.createObjectURL(new Blob([code.replaceAll('"/package', `"${location.origin}/package`)], { type: "text/javascript" })), { type: "module" });
        await new Promise((resolve) => { worker.onerror = (event) => { event.preventDefault(); resolve(); }; });
        window.worker = worker;
      }, world.dsn);
      await world.posted(2);
    },
  },
  // More than the stub has room for, before the rest is there.
  crowded: {
    inline: true,
    holds: /sentinel-sdk/,
    body: `<script>
      for (let n = 0; n < 150; n++) { sendAlert(new Error("crowded on purpose"), { fingerprint: ["number " + n] }); ErrorSentinel.setTag("number", n); }
      var flushed = ErrorSentinel.flush(15000);
      fetch("/thrown");
    </script>`,
    run: (page) => page.evaluate(async () => ({ isFlushed: await flushed })),
  },
};

/** The page reports one error, named like its scenario. */
export async function alert(page, { name }) {
  await page.evaluate((name) => report(name), name);
}

/** An error while the tab closes, by which no more of the page is left. */
async function closeWithAlert(page, world) {
  await page.evaluate((name) => addEventListener("pagehide", () => { ErrorSentinel.sendAlert(new Error(`${name} on purpose`)); }), world.name);
  await page.closeTab();
  await world.posted(1);
  return { isClosed: true };
}

/** Keeps the memory of the core where the page finds it. */
function watchCore() {
  const { instantiateStreaming } = WebAssembly;
  WebAssembly.instantiateStreaming = async (...given) => {
    const loaded = await instantiateStreaming.apply(WebAssembly, given);
    window.coreMemory = loaded.instance.exports.memory;
    return loaded;
  };
}

/** The core is there. */
async function hasCore(page) {
  await page.evaluate(async () => {
    while (!window.coreMemory) await new Promise((resolve) => setTimeout(resolve, 10));
  });
}

/** What the page itself does, in a file of its own, so that stacks lead there. */
export const APP = [
  async function shop() {
    ErrorSentinel.setUser({ id: 4711 });
    ErrorSentinel.setTag("region", "eu-central");
    ErrorSentinel.addBreadcrumb("three apples were added");
    history.pushState({ page: 2 }, "", "/basket");
    const answered = await (await fetch("/stock")).text();
    const cause = new RangeError("there are only two");
    sendAlert(new Error("the basket cannot be paid", { cause }), { level: "fatal", tags: { shop: "berlin" }, extra: { sum: 12.5 } });
    const thrown = new Promise((resolve) => addEventListener("error", resolve));
    const rejected = new Promise((resolve) => addEventListener("unhandledrejection", resolve));
    setTimeout(function thrower() { throw new TypeError("thrown on purpose"); });
    Promise.reject(new Error("rejected on purpose"));
    console.error("logged on purpose", { code: 7 });
    await Promise.all([thrown, rejected]);
    return { ...seen, answered, path: location.pathname, state: history.state.page };
  },
  function report(name) {
    sendAlert(new Error(`${name} on purpose`));
  },
];

/** The SDK has taken over from the stub. */
export async function ready(page) {
  await page.evaluate(async () => {
    while (!window.ErrorSentinel || "q" in ErrorSentinel) await new Promise((resolve) => setTimeout(resolve, 10));
  });
}
