// A page with the script tag of the collector's welcome and nothing else, in one of the three engines.
//
// Usage: sentinel_page.mjs DSN ENGINE SCENARIO. The page and the collector have one origin here, by way of a server
// that can also lose, hold back and refuse, unless the scenario wants the collector's own. Prints as JSON: `uncaught`, what the page's own error events saw besides
// what the scenario raised on purpose; `posts`, how many requests reported something; and what the scenario returns.

import { readFile } from "node:fs/promises";
import { createServer, request as forward } from "node:http";
import { basename } from "node:path";
import { withEngine } from "./engines.mjs";
import { APP, SCENARIOS, ready } from "./sentinel_scenarios.mjs";
import { SETTINGS } from "./sentinel_settings.mjs";

const [dsn, engine, name] = process.argv.slice(2);
const [, key, collector, project] = /^http:\/\/(\w+)@(.+)\/(\d+)$/.exec(dsn);

const scenario = SCENARIOS[name] ?? SETTINGS[name];
const uncaught = [];
const asked = [];
let posted = () => {};
let release = () => {};
const held = new Promise((resolve) => { release = resolve; });
const world = {
  name,
  engine,
  /** How often a page changes its route, in the short form and in the long one. */
  routes: process.env.ERROR_SENTINEL_FAULTS == "long" ? 100_000 : 2000,
  url: "",
  dsn: "",
  /** The headers of the last request for each path. */
  headers: {},
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
  const attributes = `data-dsn="${scenario.isForeign ? dsn : world.dsn}" data-release="page@1.0.0" ${scenario.attributes || ""}`;
  const stub = async () => (await fetch(`http://${collector}/sentinel.js`)).text();
  const foreign = async () => {
    const { integrity } = JSON.parse(await readFile(new URL("../../sdk-wasm/dist/manifest.json", import.meta.url)))["sentinel.js"];
    return `<script src="http://${collector}/sentinel.js" integrity="${integrity}" crossorigin="anonymous" ${attributes} async></script>`;
  };
  const tag = scenario.isForeign ? await foreign() : scenario.inline ? `<script ${attributes}>${await stub()}</script>` : `<script src="/sentinel.js" ${attributes} async></script>`;
  const before = scenario.before ? `(${scenario.before})();` : "";
  const page = `<!doctype html><title>Shop</title><script>(${watch})();${before}</script><script src="/app.js"></script>${tag.repeat(scenario.twice ? 2 : 1)}${scenario.body || ""}<p>Apples`;
  return scenario.nonce ? page.replaceAll("<script", `<script nonce="${scenario.nonce}"`) : page;
}

const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, "http://page");
  asked.push(pathname);
  world.headers[pathname] = request.headers;
  if (world.isOffline) return request.socket.destroy();
  if (scenario.missing?.test(pathname)) return response.writeHead(404).end();
  if (scenario.holds?.test(pathname)) await held;
  if (/^\/(sentinel|api|log-error|quiet)/.test(pathname)) {
    const { method, headers } = request;
    // The page's own path, which tells the collector nothing but the body.
    const path = pathname == "/quiet" ? `/api/${project}/envelope/` : request.url;
    const asking = forward(`http://${collector}${path}`, { method, headers }, (answer) => {
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
  if (pathname.startsWith("/package/")) return response.setHeader("Content-Type", "text/javascript").end(await readFile(new URL(`../../sdk-wasm/dist/${basename(pathname)}`, import.meta.url)));
  if (pathname != "/" && pathname != "/basket") return response.end("apples");
  response.setHeader("Content-Type", "text/html");
  if (scenario.csp) response.setHeader("Content-Security-Policy", scenario.csp);
  response.end(await html());
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const host = `127.0.0.1:${server.address().port}`;
world.url = `http://${host}/`;
world.dsn = `http://${key}@${host}/${project}`;
const seen = await withEngine(engine, async (page) => {
  await page.goto(world.url);
  if (scenario.waits != false) await ready(page);
  const seen = await scenario.run(page, world);
  if (seen?.isClosed) return seen;
  // A storm's last window is told ten seconds after it began at the latest.
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
