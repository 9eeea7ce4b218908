// A person, an application and a page that reach the collector through a proxy, by TLS and under a path of its own.
//
// Usage: behind_proxy.mjs URL DSN SETUP_LINK AUTHORITY. Prints what happened to each as JSON.

import { readFile } from "node:fs/promises";
import { request } from "node:https";
import { withPage } from "./browser.mjs";

const [base, dsn, setupLink, authority] = process.argv.slice(2);
const ca = await readFile(authority);
const key = dsn.match(/\/\/(\w+)@/)[1];

/** POSTs to the collector from another address of this machine; returns the status. */
function post(path, body, headers = {}) {
  return new Promise((resolve, reject) => {
    const options = { method: "POST", ca, localAddress: "127.0.0.2", headers: { "X-Sentinel-Key": key, ...headers } };
    const sent = request(`${base}${path}`, options, (response) => response.resume().on("end", () => resolve(response.statusCode)));
    sent.on("error", reject).end(body);
  });
}
const report = (fields) => post("/log-error", JSON.stringify({ message: "the disk is on fire", ...fields }));

const seen = {};
seen.reported = await report({ user: { ip_address: "{{auto}}" } });

// Nearly as much as the collector takes: an error, and beside it an attachment that makes the request large.
const attachment = Buffer.alloc(19 * 1024 * 1024, "x");
const envelope = Buffer.concat([
  Buffer.from('{}\n{"type":"event"}\n{"message":"a large request"}\n'),
  Buffer.from(`{"type":"attachment","length":${attachment.length},"filename":"core"}\n`),
  attachment,
]);
seen.large = await post("/api/1/envelope/", envelope);

// A page of an application, with the script tag of the collector's welcome.
const script = `document.head.append(Object.assign(document.createElement("script"), {src: "${base}/sentinel.js"}));
  document.head.lastChild.dataset.dsn = "${dsn}";`;
await withPage(script, async (page, context) => {
  await page.waitForFunction(() => window.ErrorSentinel && !("q" in window.ErrorSentinel));
  seen.flushed = await page.evaluate(async () => {
    ErrorSentinel.sendAlert(new Error("the page is on fire"));
    return ErrorSentinel.flush(15_000);
  });

  // A person who sets the collector up and looks at an issue while it happens again.
  await page.goto(setupLink);
  await page.fill("[name=email]", "ada@example.com");
  await page.fill("[name=password]", "a long sentence to remember");
  await page.fill("[name=password_again]", "a long sentence to remember");
  await page.click("button.main");
  await page.goto(`${base}/`);
  const cookies = await context.cookies();
  seen.cookies = cookies.map(({ path, secure, httpOnly }) => ({ path, secure, httpOnly }));
  await page.click("text=the disk is on fire");
  seen.issue = page.url();
  // The pill appears when the stream says so, and the stream is open once the page has fetched it.
  await page.waitForLoadState("load");
  let isTold = false;
  for (let tries = 0; tries < 30 && !isTold; tries++) {
    await report({});
    isTold = await page.waitForSelector("[data-news]:not([hidden])", { timeout: 1000 }).then(() => true, () => false);
  }
  seen.live = isTold;
  await page.click("text=Resolve");
  await page.waitForSelector("text=Reopen");
  seen.resolved = page.url();
}, { ignoreHTTPSErrors: true });
console.log(JSON.stringify(seen));
