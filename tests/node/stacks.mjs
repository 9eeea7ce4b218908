// Collects the stacks of `tests/golden/stacks/page.js` in an engine, for the golden data beside it.
//
// Usage: stacks.mjs ENGINE. Prints them as JSON, with the page's address as it is written in the golden data.

import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import { withEngine } from "./engines.mjs";

const page = readFileSync(new URL("../golden/stacks/page.js", import.meta.url));
const server = createServer((request, response) => {
  const isScript = request.url == "/page.js";
  response.setHeader("Content-Type", isScript ? "text/javascript" : "text/html");
  response.end(isScript ? page : "<!doctype html><script src=/page.js></script>");
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const origin = `http://127.0.0.1:${server.address().port}`;
const stacks = await withEngine(process.argv[2], async (page) => {
  await page.goto(`${origin}/`);
  return page.evaluate(() => stacks);
});
server.closeAllConnections();
server.close();
console.log(JSON.stringify(stacks, null, 2).replaceAll(origin, "https://shop.example"));
