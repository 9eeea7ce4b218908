// A page of the tests in Chromium, for what needs Playwright's own options.

import { createServer } from "node:http";
import { build } from "esbuild";
import { launchChromium } from "./engines.mjs";

/** Bundles a script as an application would be. */
export async function bundle(entry) {
  const built = await build({ entryPoints: [entry], bundle: true, write: false, format: "iife" });
  return built.outputFiles[0].text;
}

/** Opens a page that runs `script`, in a browser with these options, and lets `use` do with it what it likes. */
export async function withPage(script, use, options = {}) {
  const server = createServer((request, response) => {
    const isScript = request.url === "/app.js";
    response.setHeader("Content-Type", isScript ? "text/javascript" : "text/html");
    response.end(isScript ? script : "<!doctype html><title>Shop</title><script src=/app.js></script>");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { context, end } = await launchChromium(options);
  try {
    const page = await context.newPage();
    await page.goto(`http://127.0.0.1:${server.address().port}/`);
    return await use(page, context);
  } finally {
    await end();
    server.close();
  }
}
