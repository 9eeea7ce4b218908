// A page with the script tag of the collector's welcome and nothing else, in one of the three engines.
//
// Usage: sentinel_page.mjs DSN ENGINE SCENARIO. The page and the collector have one origin here, by way of a server
// that can also lose, hold back and refuse. Prints as JSON: `uncaught`, what the page's own error events saw besides
// what the scenario raised on purpose; `posts`, how many requests reported something; and what the scenario returns.

import { createServer, request as forward } from "node:http";
import { withEngine } from "./engines.mjs";

const [dsn, engine, name] = process.argv.slice(2);
const [, key, collector, project] = /^http:\/\/(\w+)@(.+)\/(\d+)$/.exec(dsn);

/** What the page is: `before` runs before everything, `csp` is its policy, `missing` what answers 404,
 * `holds` what is not answered before the page has thrown. */
const SCENARIOS = {
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
    async run(page, world) {
      await page.evaluate(() => addEventListener("pagehide", () => { ErrorSentinel.sendAlert(new Error("closed on purpose")); }));
      await page.closeTab();
      await world.posted(1);
    },
  },
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
  "with-wasm": {
    csp: "default-src 'self'; script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'",
    async run(page, world) {
      await alert(page);
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
async function alert(page) {
  await page.evaluate((name) => report(name), name);
}

/** What the page itself does, in a file of its own, so that stacks lead there. */
const APP = [
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
async function ready(page) {
  await page.evaluate(async () => {
    while (!window.ErrorSentinel || "q" in ErrorSentinel) await new Promise((resolve) => setTimeout(resolve, 10));
  });
}

const scenario = SCENARIOS[name];
const uncaught = [];
const asked = [];
let posted = () => {};
let release = () => {};
const held = new Promise((resolve) => { release = resolve; });
const world = {
  url: "",
  posts: 0,
  isOffline: false,
  asked: (path) => asked.includes(path),
  /** Resolves when so many requests have reported something and were answered. */
  posted: (count) => new Promise((resolve) => { (posted = () => world.posts >= count && resolve())(); }),
};

/** Notes what goes wrong in the page, unless the scenario wanted it to. */
function watch() {
  window.uncaught = [];
  const note = (text) => {
    if (text.includes("on purpose")) return;
    uncaught.push(text);
    // The page may be gone before it is asked.
    navigator.sendBeacon("/uncaught", text);
  };
  addEventListener("error", (event) => note(event.message + (event.error?.stack || "")));
  addEventListener("unhandledrejection", (event) => note(`${event.reason} ${event.reason?.stack}`));
}

async function html() {
  const attributes = `data-dsn="http://${key}@127.0.0.1:${server.address().port}/${project}" data-release="page@1.0.0"`;
  const stub = async () => (await fetch(`http://${collector}/sentinel.js`)).text();
  const tag = scenario.inline ? `<script ${attributes}>${await stub()}</script>` : `<script src="/sentinel.js" ${attributes} async></script>`;
  const before = scenario.before ? `(${scenario.before})();` : "";
  return `<!doctype html><title>Shop</title><script>(${watch})();${before}</script><script src="/app.js"></script>${tag.repeat(scenario.twice ? 2 : 1)}${scenario.body || ""}<p>Apples`;
}

const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, "http://page");
  asked.push(pathname);
  if (world.isOffline) return request.socket.destroy();
  if (scenario.missing?.test(pathname)) return response.writeHead(404).end();
  if (scenario.holds?.test(pathname)) await held;
  if (/^\/(sentinel|api|log-error)/.test(pathname)) {
    const { method, headers } = request;
    const asking = forward(`http://${collector}${request.url}`, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
      if (method == "POST") {
        world.posts++;
        posted();
      }
    });
    asking.on("error", () => response.destroy());
    return request.pipe(asking);
  }
  if (pathname == "/uncaught") return request.on("data", (bytes) => uncaught.push(String(bytes))).on("end", () => response.end());
  if (pathname == "/thrown") release();
  if (pathname == "/app.js") return response.setHeader("Content-Type", "text/javascript").end(APP.join("\n"));
  if (pathname != "/" && pathname != "/basket") return response.end("apples");
  response.setHeader("Content-Type", "text/html");
  if (scenario.csp) response.setHeader("Content-Security-Policy", scenario.csp);
  response.end(await html());
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
world.url = `http://127.0.0.1:${server.address().port}/`;
const seen = await withEngine(engine, async (page) => {
  if (name == "closed" && !page.closeTab) return { skipped: true };
  await page.goto(world.url);
  if (scenario.waits != false) await ready(page);
  const seen = await scenario.run(page, world);
  // A storm's last window is told ten seconds after it began at the latest.
  if (name == "closed") return seen;
  const flushed = async () => {
    if (window.ErrorSentinel && !("q" in ErrorSentinel)) await ErrorSentinel.flush(15_000);
    return window.uncaught || [];
  };
  uncaught.push(...(await page.evaluate(flushed)));
  return seen;
});
server.closeAllConnections();
server.close();
console.log(JSON.stringify({ uncaught, posts: world.posts, ...seen }));
