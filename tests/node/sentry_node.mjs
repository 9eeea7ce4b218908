// A small application that uses @sentry/node as its documentation says, with nothing changed but the DSN.
//
// Usage: sentry_node.mjs DSN first|second|everything|burst|offline. Prints the event's id, or the ids as JSON.

import { makeOfflineTransport } from "@sentry/core";
import * as Sentry from "@sentry/node";
import { SURROUNDINGS, burst, everything, prepare, report } from "./shop.mjs";

const [dsn, what] = process.argv.slice(2);

/** What could not be sent yet. */
const kept = [];

/** Two errors meet no network and are kept until it is back. */
function unreliable(options) {
  let failures = 2;
  const network = Sentry.makeNodeTransport(options);
  const send = async (envelope) => {
    const isError = envelope[1].some(([header]) => header.type === "event");
    if (isError && failures-- > 0) throw new Error("no network");
    return network.send(envelope);
  };
  const createStore = () => ({
    push: async (envelope) => void kept.push(envelope),
    unshift: async (envelope) => void kept.unshift(envelope),
    shift: async () => kept.shift(),
  });
  return makeOfflineTransport(() => ({ ...network, send }))({ ...options, createStore });
}

Sentry.init({
  dsn,
  ...SURROUNDINGS,
  tracesSampleRate: 1,
  ...(what === "offline" ? { transport: unreliable } : {}),
});
prepare(Sentry);
switch (what) {
  case "everything":
    console.log(JSON.stringify(await everything(Sentry)));
    break;
  case "burst":
    await burst(Sentry);
    break;
  case "offline": {
    const ids = [];
    for (const bug of ["first", "first", "second"]) {
      ids.push(report(Sentry, bug));
      await Sentry.flush(2000);
    }
    // What was kept follows by itself once something went through.
    for (let wait = 0; kept.length > 0 && wait < 300; wait++) await new Promise((resolve) => setTimeout(resolve, 100));
    await Sentry.flush(10_000);
    console.log(JSON.stringify(ids));
    break;
  }
  default:
    console.log(report(Sentry, what));
    await Sentry.flush(10_000);
}
// Its client report leaves when nothing is left to do, so the process is not ended by force.
