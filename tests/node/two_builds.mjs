// Builds the shop twice, as it was and as it is after a week's work, and prints the errors of both as the
// events that a browser would send: {"bug": NAME, "event": {…}}, one a line.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import vm from "node:vm";
import { build } from "esbuild";

const shop = fileURLToPath(new URL("web_shop", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "error-sentinel-builds-"));

// A week's work: new code above the old, other names for what is local, so that every line moves and every short
// name that the minifier hands out changes.
const renames = { line: "entry", sum: "subtotal", customer: "buyer", text: "lines", amount: "cents", saved: "stored" };
const afterAWeek = (source, name) => {
  let edited = source;
  for (const [old, fresh] of Object.entries(renames)) {
    edited = edited.replace(new RegExp(`\\b${old}\\b(?![:"])`, "g"), fresh);
  }
  const news = Array.from({ length: 60 }, (_, at) => `${name}News${at}`);
  const code = news.map((fresh, at) => `const ${fresh} = (a, b) => [a, b, globalThis.news(${at}, a)];`);
  return `${code.join("\n")}\nglobalThis.week = [${news.join(", ")}];\n${edited}`;
};

const bundle = async (release, edit) => {
  const source = join(folder, release);
  const out = join(folder, `${release}-out`);
  mkdirSync(source);
  for (const file of readdirSync(shop)) {
    writeFileSync(join(source, file), edit(readFileSync(join(shop, file), "utf8"), basename(file, ".js")));
  }
  await build({
    entryPoints: [join(source, "main.js")],
    entryNames: "[name]-[hash]",
    bundle: true,
    minify: true,
    format: "iife",
    globalName: "shop",
    outdir: out,
    logLevel: "error",
  });
  return join(out, readdirSync(out)[0]);
};

// V8's `    at Cart.total (https://…:1:2345)`, the crash first, as the frames of an event, the crash last.
const frames = (stack) => {
  const found = [];
  for (const line of stack.split("\n")) {
    const [, name, url, lineno, colno] = /^ {4}at (?:(.*) \()?(https:.*):(\d+):(\d+)\)?$/.exec(line) ?? [];
    if (url) {
      found.unshift({ function: name ?? "?", filename: url, abs_path: url, lineno: +lineno, colno: +colno, in_app: true });
    }
  }
  return found;
};

try {
  for (const [release, edit] of [["1.0.0", (source) => source], ["1.1.0", afterAWeek]]) {
    const file = await bundle(release, edit);
    const page = vm.createContext({ news: (...all) => all });
    const filename = `https://shop.example/assets/${basename(file)}`;
    vm.runInContext(readFileSync(file, "utf8"), page, { filename });
    const { bugs, meet } = vm.runInContext("shop", page);
    for (const bug of bugs) {
      try {
        meet(bug);
      } catch (error) {
        const exception = { type: error.name, value: error.message, stacktrace: { frames: frames(error.stack) } };
        const event = { platform: "javascript", release, exception: { values: [exception] } };
        console.log(JSON.stringify({ bug, event }));
      }
    }
  }
} finally {
  rmSync(folder, { recursive: true });
}
