// What the browser SDK weighs and costs, beside @sentry/browser in the same Chromium.
//
// Usage: browser_bench.mjs JSON [--quick]. Prints tables and writes the same figures to the file JSON.

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { loadavg } from "node:os";
import { dirname } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "esbuild";
import { withEngine } from "./engines.mjs";

const [file, mode] = process.argv.slice(2);
const rounds = mode == "--quick" ? 3 : 15;
const dist = (name) => readFileSync(new URL(`../../sdk-wasm/dist/${name}`, import.meta.url));
const median = (numbers) => Math.round(numbers.sort((one, other) => one - other)[numbers.length >> 1] * 10) / 10;

/** Sentry's SDK as an application bundles it. */
async function sentry(contents) {
  const stdin = { contents, resolveDir: import.meta.dirname };
  const built = await build({ stdin, bundle: true, write: false, minify: true, format: "iife", target: "es2021", legalComments: "none" });
  return built.outputFiles[0].contents;
}

const DSN = "http://0123456789abcdef0123456789abcdef@HOST/1";
const called = await sentry(`import { init, captureException, addBreadcrumb } from "@sentry/browser"; init({ dsn: window.DSN }); window.Sentry = { captureException, addBreadcrumb };`);
const initOnly = await sentry(`import { init } from "@sentry/browser"; init({ dsn: window.DSN });`);
const smallest = await sentry(`
  import { BrowserClient, defaultStackParser, getCurrentScope, globalHandlersIntegration, linkedErrorsIntegration, dedupeIntegration, makeFetchTransport } from "@sentry/browser";
  const client = new BrowserClient({ dsn: window.DSN, transport: makeFetchTransport, stackParser: defaultStackParser, integrations: [globalHandlersIntegration(), linkedErrorsIntegration(), dedupeIntegration()] });
  getCurrentScope().setClient(client);
  client.init();
`);

function weight(parts) {
  const sum = (size) => parts.map(size).reduce((one, other) => one + other);
  return {
    bytes: sum((part) => part.length),
    gzip: sum((part) => gzipSync(part, { level: 9 }).length),
    brotli: sum((part) => brotliCompressSync(part, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }).length),
  };
}

const [stub, sdk, wasm, asm] = ["sentinel.js", "sentinel-sdk.js", "sentinel.wasm", "sentinel-asm.js"].map(dist);
const size = {
  "stub": weight([stub]),
  "stub, script, WebAssembly": weight([stub, sdk, wasm]),
  "stub, script, plain JavaScript": weight([stub, sdk, asm]),
  "@sentry/browser, errors only": weight([smallest]),
  "@sentry/browser, init()": weight([initOnly]),
};

const files = { "/sentinel.js": stub, "/sentinel-sdk.js": sdk, "/sentinel.wasm": wasm, "/sentinel-asm.js": asm, "/sentry.js": called };
const server = createServer((request, response) => {
  const { pathname } = new URL(request.url, "http://page");
  const host = `127.0.0.1:${server.address().port}`;
  if (request.method == "POST") {
    response.setHeader("X-Error-Sentinel", "batch");
    return request.resume().on("end", () => response.end("{}"));
  }
  if (files[pathname]) {
    response.setHeader("Content-Type", pathname.endsWith(".wasm") ? "application/wasm" : "text/javascript");
    return response.end(files[pathname]);
  }
  response.setHeader("Content-Type", "text/html");
  // What the browser and its driver make of a line in the console is not the SDK's time.
  const start = `<script>DSN = "${DSN.replace("HOST", host)}"; console.error = () => {}; started = performance.now()</script>`;
  const script = pathname == "/ours"
    ? `<script src="/sentinel.js" data-dsn="${DSN.replace("HOST", host)}"></script><script>listening = performance.now()</script>`
    : `<script src="/sentry.js"></script><script>listening = performance.now()</script>`;
  response.end(`<!doctype html><title>Shop</title>${start}${script}`);
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const origin = `http://127.0.0.1:${server.address().port}`;

/** Microseconds of one call each, in the page; its clock has steps of a tenth of a millisecond. */
const calls = async (isOurs) => {
  const each = async (count, call) => {
    const times = [];
    for (let n = 0; n < count; n++) {
      const start = performance.now();
      call(n);
      times.push((performance.now() - start) * 1000);
      // What a call leaves to be done is done between two of them.
      if (n % 10 == 0) await new Promise((resolve) => setTimeout(resolve));
    }
    return times.sort((one, other) => one - other)[count >> 1];
  };
  // Chromium's clock is coarse, so of what is quick a hundred are one measurement.
  const hundred = (call) => (n) => { for (let m = 0; m < 100; m++) call(n * 100 + m); };
  const capture = isOurs
    ? (n) => ErrorSentinel.sendAlert(new Error(`number ${n}`), { fingerprint: [`${n}`] })
    : (n) => Sentry.captureException(new Error(`number ${n}`), { fingerprint: [`${n}`] });
  const crumb = isOurs
    ? (n) => ErrorSentinel.addBreadcrumb({ category: "shop", message: `step ${n}`, data: { n } })
    : (n) => Sentry.addBreadcrumb({ category: "shop", message: `step ${n}`, data: { n } });
  const crumb_us = (await each(100, hundred(crumb))) / 100;
  const capture_us = await each(100, capture);
  return { capture_us, crumb_us };
};

const samples = { ours: [], sentry: [] };
const compile_ms = [];
const storm_us = [];
await withEngine("chromium", async (page) => {
  for (let round = 0; round < rounds; round++) {
    for (const whose of ["ours", "sentry"]) {
      await page.goto(`${origin}/${whose}`);
      const times = await page.evaluate(async (isOurs) => {
        while (isOurs && "q" in ErrorSentinel) await new Promise((resolve) => setTimeout(resolve));
        const taken = isOurs && performance.getEntriesByName(new URL("/sentinel.wasm", location).href).length;
        return { listening_ms: listening - started, taken };
      }, whose == "ours");
      samples[whose].push({ ...times, ...(await page.evaluate(calls, whose == "ours")) });
    }
    await page.goto(`${origin}/ours`);
    compile_ms.push(await page.evaluate(async () => {
      const bytes = await (await fetch("/sentinel.wasm")).arrayBuffer();
      const start = performance.now();
      await WebAssembly.compile(bytes);
      return performance.now() - start;
    }));
    storm_us.push(await page.evaluate(async () => {
      while ("q" in ErrorSentinel) await new Promise((resolve) => setTimeout(resolve));
      const wrapped = console.error;
      for (let n = 0; n < 30; n++) wrapped("looped");
      const start = performance.now();
      for (let n = 0; n < 2000; n++) wrapped("looped");
      return (performance.now() - start) / 2;
    }));
  }
});
server.closeAllConnections();
server.close();

const of = (whose, name) => median(samples[whose].map((sample) => sample[name]));
const cost = Object.fromEntries(["ours", "sentry"].map((whose) => [
  whose == "ours" ? "Error Sentinel" : "@sentry/browser",
  { listening_ms: of(whose, "listening_ms"), capture_us: of(whose, "capture_us"), breadcrumb_us: of(whose, "crumb_us") },
]));
const figures = {
  chromium: execFileSync("chromium", ["--version"], { encoding: "utf8" }).trim(),
  load_average: loadavg()[0],
  rounds,
  size,
  cost,
  wasm_compile_ms: median(compile_ms),
  console_error_in_a_loop_us: median(storm_us),
};
console.table(size);
console.table(cost);
console.log(`WebAssembly.compile: ${figures.wasm_compile_ms} ms; console.error that repeats: ${figures.console_error_in_a_loop_us} µs; load average ${figures.load_average}`);
mkdirSync(dirname(file), { recursive: true });
writeFileSync(file, JSON.stringify(figures, null, 2) + "\n");
