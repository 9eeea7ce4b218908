// The three engines of the web, each driven by its own means, behind one face: a page that goes somewhere, evaluates a
// function, and is closed as a person closes a tab.

import { execFileSync, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

const path = (name) => execFileSync("which", [name], { encoding: "utf8" }).trim();

/** Debian's Chromium with a fresh profile, as Playwright's context with these options. */
export async function launchChromium(options = {}) {
  const { chromium } = await import("playwright-core");
  const profile = await mkdtemp(join(tmpdir(), "error-sentinel-chromium-"));
  const args = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    // A page may change its route as often as it likes.
    "--disable-ipc-flooding-protection",
  ];
  const context = await chromium.launchPersistentContext(profile, { executablePath: path("chromium"), args, ...options });
  const end = async () => {
    await context.close();
    await rm(profile, { recursive: true, force: true });
  };
  return { context, end };
}

/** Chromium, by its own protocol. */
async function chromium() {
  const { context, end } = await launchChromium();
  const page = await context.newPage();
  return {
    goto: (url) => page.goto(url),
    evaluate: (work, argument) => page.evaluate(work, argument),
    // With its handlers, as a person's tab is; the browser stays.
    closeTab: () => page.close({ runBeforeUnload: true }),
    /** What the page's objects take when the garbage is gone. */
    async heapBytes() {
      const session = await context.newCDPSession(page);
      await session.send("HeapProfiler.collectGarbage");
      return (await session.send("Runtime.getHeapUsage")).usedSize;
    },
    end,
  };
}

/** Debian's Firefox, by WebDriver BiDi. */
async function firefox() {
  const { launch } = await import("puppeteer-core");
  const browser = await launch({ browser: "firefox", executablePath: path("firefox-esr"), headless: true, extraPrefsFirefox: { "dom.navigation.navigationRateLimit.count": 0 } });
  const page = await browser.newPage();
  return {
    goto: (url) => page.goto(url),
    evaluate: (work, argument) => page.evaluate(work, argument),
    end: () => browser.close(),
  };
}

/** WebKitGTK, by WebDriver; it needs a screen, so it gets one of its own. */
async function webkit() {
  const port = await freePort();
  const environment = { ...process.env, WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: "1" };
  // A group of its own, which ends as one.
  const driver = spawn("xvfb-run", ["-a", "WebKitWebDriver", `--port=${port}`], { env: environment, stdio: "ignore", detached: true });
  const ended = new Promise((resolve) => driver.on("exit", resolve));
  const call = async (method, path, body) => {
    const response = await fetch(`http://127.0.0.1:${port}/session${path}`, { method, body: body && JSON.stringify(body) });
    const { value } = await response.json();
    if (!response.ok) throw new Error(`${path}: ${value.message || value.error}`);
    return value;
  };
  const capabilities = { alwaysMatch: { "webkitgtk:browserOptions": { binary: miniBrowser(), args: ["--automation"] } } };
  let session;
  for (let left = 100; !session; left--) {
    try {
      session = `/${(await call("POST", "", { capabilities })).sessionId}`;
    } catch (error) {
      // It takes a moment to listen.
      if (left == 0 || error.message != "fetch failed") throw error;
      await pause(100);
    }
  }
  await call("POST", `${session}/timeouts`, { script: 60_000 });
  const script = (work) => `const done = arguments[1]; Promise.resolve((${work})(arguments[0])).then((value) => done({ value }), (error) => done({ error: String(error) }));`;
  return {
    goto: (url) => call("POST", `${session}/url`, { url }),
    async evaluate(work, argument = null) {
      const { value, error } = await call("POST", `${session}/execute/async`, { script: script(work), args: [argument] });
      if (error) throw new Error(error);
      return value;
    },
    async closeTab() {
      // The browser itself ends with its last tab, and what that had to say with it.
      await call("POST", `${session}/window/new`, { type: "tab" });
      await call("DELETE", `${session}/window`);
    },
    async end() {
      await call("DELETE", session).catch(() => {});
      process.kill(-driver.pid);
      await ended;
    },
  };
}

function miniBrowser() {
  const found = execFileSync("find", ["/usr/lib", "/usr/libexec", "-name", "MiniBrowser", "-path", "*webkit*"], { encoding: "utf8" });
  return found.split("\n")[0];
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

const ENGINES = { chromium, firefox, webkit };

/** Starts an engine, and lets `use` do with a page of it what it likes. */
export async function withEngine(name, use) {
  const page = await ENGINES[name]();
  try {
    return await use(page);
  } finally {
    await page.end();
  }
}
