// The part of sentry_browser.mjs that runs in the page.

import * as Sentry from "@sentry/browser";
import { SURROUNDINGS, burst, everything, prepare, report } from "./shop.mjs";

window.start = (dsn) => {
  Sentry.init({
    dsn,
    ...SURROUNDINGS,
    tracesSampleRate: 1,
    transport: Sentry.makeBrowserOfflineTransport(Sentry.makeFetchTransport),
    transportOptions: { flushAtStartup: true },
  });
  prepare(Sentry);
};
window.report = async (bug) => {
  const id = report(Sentry, bug);
  await Sentry.flush(10_000);
  return id;
};
/** Whether the SDK has written this event to the database it keeps between pages: `flush` does not wait for that. */
window.isKept = async (id) => {
  const databases = await indexedDB.databases();
  if (!databases.some(({ name }) => name === "sentry-offline")) return false;
  const opening = await settled(indexedDB.open("sentry-offline"));
  const kept = await settled(opening.transaction("queue").objectStore("queue").getAll());
  opening.close();
  const text = (envelope) => (typeof envelope === "string" ? envelope : new TextDecoder().decode(envelope));
  return kept.some((envelope) => text(envelope).includes(id));
};

function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

window.everything = () => everything(Sentry);
window.burst = () => burst(Sentry);
