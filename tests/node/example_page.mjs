// The example pages in Chromium: a person clicks, something breaks, and is reported.
//
// Usage: example_page.mjs DSN plain|react|react-without-wasm. Prints as JSON what the page shows after each click.

import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { promisify } from "node:util";
import { withEngine } from "./engines.mjs";

const [dsn, name] = process.argv.slice(2);
const examples = new URL("../../examples/", import.meta.url).pathname;
const built = await mkdtemp(join(tmpdir(), "error-sentinel-example-"));

/** What a person does: a button each, and the place of the page that answers. */
const STEPS = {
  plain: [["pay", "answer"], ["break", "answer"]],
  react: [["break", "sum"], ["add", "sorry"]],
};
const steps = STEPS[name.split("-")[0]];

/** The page as its own instructions say to put it up. */
async function page() {
  const { origin } = new URL(dsn);
  const html = await readFile(join(examples, "browser/index.html"), "utf8");
  return html.replaceAll("https://errors.example.com/sentinel.js", `${origin}/sentinel.js`).replaceAll("https://KEY@errors.example.com/1", dsn);
}

if (name != "plain") {
  const env = { ...process.env, VITE_ERROR_SENTINEL_DSN: dsn };
  await promisify(execFile)("npm", ["run", "build", "--", "--outDir", built], { cwd: join(examples, "react"), env });
}
const TYPES = { ".js": "text/javascript", ".html": "text/html", "": "text/html" };
const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, "http://page");
  if (name == "react-without-wasm") response.setHeader("Content-Security-Policy", `default-src 'self'; connect-src 'self' ${new URL(dsn).origin}`);
  try {
    response.setHeader("Content-Type", TYPES[extname(pathname)] ?? "application/octet-stream");
    response.end(name == "plain" ? await page() : await readFile(join(built, pathname == "/" ? "index.html" : pathname)));
  } catch {
    response.writeHead(404).end();
  }
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const shown = await withEngine("chromium", async (page) => {
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  const shown = [];
  for (const step of steps)
    shown.push(
      await page.evaluate(async ([button, answer]) => {
        document.getElementById(button).click();
        await new Promise((resolve) => setTimeout(resolve));
        while (!document.getElementById(answer)) await new Promise((resolve) => setTimeout(resolve, 10));
        return document.getElementById(answer).textContent;
      }, step),
    );
  // Neither example has a reason to wait, so the test asks the SDK under the name by which its copies find each other.
  await page.evaluate(() => (globalThis[Symbol.for("error-sentinel")] ?? ErrorSentinel).flush(15_000));
  return shown;
});
server.close();
await rm(built, { recursive: true });
console.log(JSON.stringify(shown));
