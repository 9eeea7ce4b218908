// A page that uses @sentry/browser as its documentation says, with nothing changed but the DSN, in Chromium.
//
// Usage: sentry_browser.mjs DSN first|second|everything|burst|offline. Prints the event's id, or the ids as JSON.

import { fileURLToPath } from "node:url";
import { bundle, withPage } from "./browser.mjs";

const [dsn, what] = process.argv.slice(2);
const script = await bundle(fileURLToPath(new URL("sentry_page.mjs", import.meta.url)));
const printed = await withPage(script, async (page, context) => {
  await page.evaluate((dsn) => window.start(dsn), dsn);
  switch (what) {
    case "everything": {
      const ids = await page.evaluate(() => window.everything());
      // The SDK sends its client report when the page is hidden.
      await page.evaluate(() => {
        Object.defineProperty(document, "visibilityState", { value: "hidden" });
        document.dispatchEvent(new Event("visibilitychange"));
      });
      await page.waitForTimeout(500);
      return JSON.stringify(ids);
    }
    case "burst":
      await page.evaluate(() => window.burst());
      return "";
    case "offline": {
      // Each request fails as without a network; the browser's own switch takes hold a moment late.
      const toCollector = /\/envelope\//;
      await context.route(toCollector, (route) => route.abort("internetdisconnected"));
      const first = await page.evaluate(() => window.report("first"));
      await page.waitForFunction((id) => window.isKept(id), first);
      await context.unroute(toCollector);
      // The next page finds what the last one could not send.
      await page.reload();
      // Listened for before the SDK starts, which is when it begins to send what it kept.
      const isReplay = (response) => response.request().postData()?.includes(first);
      const replayed = page.waitForResponse(isReplay, { timeout: 40_000 });
      await page.evaluate((dsn) => window.start(dsn), dsn);
      const second = await page.evaluate(() => window.report("second"));
      await replayed;
      return JSON.stringify([first, second]);
    }
    default:
      return page.evaluate((bug) => window.report(bug), what);
  }
});
console.log(printed);
