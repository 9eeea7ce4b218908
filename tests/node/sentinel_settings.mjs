// More scenarios of sentinel_page.mjs: what a page can set, and what becomes of errors where the SDK itself fails.

import { alert } from "./sentinel_scenarios.mjs";

/** Things that people report, errors or not; one of them cannot be put into words. */
function anything() {
  for (const thrown of [undefined, null, Symbol("sign on purpose"), { answer: "42 on purpose" }, "text on purpose", Object.create(null)]) sendAlert(thrown);
  Promise.reject("refused on purpose");
  sendAlert(new Error("good on purpose"));
}

/** Everything that a hook listens at, one after the other. */
async function everything() {
  const thrown = new Promise((resolve) => addEventListener("error", resolve, { once: true }));
  setTimeout(() => { throw new Error("thrown on purpose"); });
  await thrown;
  const rejected = new Promise((resolve) => addEventListener("unhandledrejection", resolve, { once: true }));
  Promise.reject(new Error("rejected on purpose"));
  await rejected;
  console.error("logged on purpose");
  console.log("a line");
  history.pushState({}, "", "/basket");
  await fetch("/stock");
  await new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open("GET", "/price");
    request.onloadend = () => setTimeout(resolve);
    request.send();
  });
  document.body.click();
  document.body.dispatchEvent(new Event("change", { bubbles: true }));
  const picture = new Image();
  const failed = new Promise((resolve) => { picture.onerror = resolve; });
  document.body.append(picture);
  picture.src = "/picture";
  await failed;
}

const DOORS = "errors rejections console history fetch xhr clicks inputs";

export const SETTINGS = {
  anything: { run: (page) => page.evaluate(anything) },
  "anything-raw": {
    missing: /sentinel-sdk/,
    waits: false,
    async run(page, world) {
      await page.evaluate(anything);
      await world.posted(7);
    },
  },
  // Where nothing but the page's own path reaches the collector.
  tunnel: { attributes: 'data-tunnel="/quiet"', missing: /^\/(api|log-error)/, run: alert },
  "tunnel-raw": {
    attributes: 'data-tunnel="/quiet"',
    missing: /^\/(api|log-error)|sentinel-sdk/,
    waits: false,
    async run(page, world) {
      await alert(page, world);
      await world.posted(1);
    },
  },
  // What `init` says counts whenever it comes.
  "late-init": {
    async run(page, world) {
      await page.evaluate(() => {
        ErrorSentinel.init({ release: "late@2", hooks: { console: false }, beforeSend: (event) => ({ ...event, tags: { seen: "by the page" } }) });
        console.error("unwanted on purpose");
      });
      await alert(page, world);
    },
  },
  "early-init": {
    inline: true,
    holds: /sentinel-sdk/,
    body: `<script>
      ErrorSentinel.init({ release: "early@2", hooks: { console: false }, beforeSend: (event) => ({ ...event, tags: { seen: "by the page" } }) });
      fetch("/thrown");
    </script>`,
    async run(page, world) {
      await page.evaluate(() => console.error("unwanted on purpose"));
      await alert(page, world);
    },
  },
  "all-doors": {
    attributes: 'data-on="resources"',
    missing: /picture/,
    async run(page, world) {
      await page.evaluate(everything);
      await alert(page, world);
    },
  },
  "no-doors": {
    attributes: `data-off="${DOORS}"`,
    missing: /picture/,
    async run(page, world) {
      await page.evaluate(everything);
      await alert(page, world);
    },
  },
  // The stub listens at no door either.
  "no-doors-early": {
    inline: true,
    attributes: `data-off="${DOORS}"`,
    holds: /sentinel-sdk/,
    body: `<script>
      addEventListener("error", () => Promise.reject(new Error("rejected on purpose")));
      addEventListener("unhandledrejection", () => fetch("/thrown"));
      setTimeout(() => { throw new Error("thrown on purpose"); });
    </script>`,
    run: alert,
  },
  // The core traps once, and is not asked again.
  trapped: {
    before: () => {
      const { instantiateStreaming } = WebAssembly;
      window.asked = 0;
      WebAssembly.instantiateStreaming = async (...given) => {
        const { instance } = await instantiateStreaming.apply(WebAssembly, given);
        const capture = (...args) => {
          if (!window.isPoisoned) return instance.exports.capture(...args);
          window.asked++;
          throw new WebAssembly.RuntimeError("unreachable");
        };
        return { instance: { exports: { ...instance.exports, capture } } };
      };
    },
    async run(page, world) {
      const asked = await page.evaluate(async () => {
        sendAlert(new Error("before on purpose"));
        await ErrorSentinel.flush(15_000);
        window.isPoisoned = true;
        for (let n = 0; n < 40; n++) sendAlert(new Error(`number ${n} on purpose`), { fingerprint: [`number ${n}`] });
        return window.asked;
      });
      // One by the core, thirty as they are, and how many were too many once the page goes.
      await world.posted(31);
      await page.goto("about:blank");
      await world.posted(32);
      return { asked };
    },
  },
  // The collector has an address of its own, as most have.
  foreign: { isForeign: true, run: alert },
  // The same, and nothing but plain JavaScript.
  "foreign-no-wasm": {
    isForeign: true,
    before: () => { delete window.WebAssembly; },
    run: alert,
  },
  // A policy that knows scripts by a word in their tags, and no WebAssembly.
  nonce: {
    nonce: "apples",
    csp: "default-src 'self'; script-src 'nonce-apples'",
    async run(page, world) {
      await alert(page, world);
      await world.posted(1);
      return { fallback: world.asked("/sentinel-asm.js") };
    },
  },
};
