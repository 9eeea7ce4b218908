// A small application that fails by one of two bugs; the same code runs in Node and in the browser.

class Basket {
  constructor(items) {
    this.items = items;
  }

  total() {
    return this.items.reduce((sum, item) => sum + item.price.amount * item.count, 0);
  }
}

function priceOf(order) {
  return new Basket(order.items).total();
}

/** The item has no price. */
export function firstBug() {
  return priceOf({ items: [{ count: 3 }] });
}

/** The count is below zero. */
export function secondBug() {
  return new Array(-1);
}

/** What every report of it says about its surroundings. */
export const SURROUNDINGS = { release: "shop@1.2.3", environment: "staging" };

/** Notes who uses it and what happened before. */
export function prepare(Sentry) {
  Sentry.setTag("region", "eu-central");
  Sentry.setUser({ id: "4711", email: "ada@example.com" });
  Sentry.addBreadcrumb({ category: "basket", message: "three apples were added", level: "info" });
}

/** Fails by one of the bugs and reports it; returns the event's id. */
export function report(Sentry, bug, hint) {
  try {
    ({ first: firstBug, second: secondBug })[bug]();
  } catch (error) {
    return Sentry.captureException(error, hint);
  }
  throw new Error(`there is no bug ${bug}`);
}

/**
 * Sends one of everything that the SDK can send, then a second transaction, which the collector's answer to the
 * first has asked it to hold, and an error, which it must not hold. Returns the ids of what must be stored.
 */
export async function everything(Sentry) {
  Sentry.startSession();
  Sentry.endSession();
  const message = Sentry.captureMessage("the shelf is nearly empty", "warning");
  const attached = report(Sentry, "first", { attachments: [{ filename: "basket.txt", data: "apples\n\n{}\n" }] });
  Sentry.captureFeedback({ message: "it broke when I paid", email: "ada@example.com", associatedEventId: attached });
  Sentry.startSpan({ name: "a transaction that is taken" }, () => {});
  await Sentry.flush(10_000);
  Sentry.startSpan({ name: "a transaction that is held back" }, () => {});
  await Sentry.flush(10_000);
  const after = report(Sentry, "second");
  await Sentry.flush(10_000);
  return { message, attached, after };
}

/** Reports more than the collector takes at once, each as soon as the last one was answered. */
export async function burst(Sentry) {
  for (let number = 0; number < 6; number++) {
    // By turns, since an error that only repeats the last one is not even sent.
    report(Sentry, number % 2 ? "second" : "first");
    await Sentry.flush(10_000);
  }
}
