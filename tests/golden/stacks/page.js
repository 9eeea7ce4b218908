// Throws in as many ways as stacks differ by; `../../node/stacks.mjs` collects what the engines make of it.
const module = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 2, 10, 1, 1, 101, 4, 102, 97, 105, 108, 0, 0, 3, 2, 1, 0, 7, 8, 1, 4, 99, 97, 108, 108, 0, 1, 10, 6, 1, 4, 0, 16, 0, 11);
function fail(message) {
  throw new TypeError(message || "no apples");
}
class Basket {
  constructor(count) { if (count < 0) fail(); }
  get total() { return fail(); }
  static open() { return new Basket(-1); }
  async pay() { await null; fail(); }
}
const cases = {
  named: () => fail(),
  message: () => fail("first line\n    at nothing (http://nowhere.example/x.js:1:1)\nnobody@http://nowhere.example/y.js:2:2"),
  constructed: () => Basket.open(),
  getter: () => new Basket(1).total,
  unnamed: () => (function () { fail(); })(),
  arrow: () => [1].map((n) => fail()),
  evaluated: () => eval("fail()"),
  made: () => new Function("fail()")(),
  asynchronous: () => new Basket(1).pay(),
  later: () => new Promise((resolve, reject) => setTimeout(() => { try { fail(); } catch (error) { reject(error); } })),
  wasm: () => new WebAssembly.Instance(new WebAssembly.Module(module), { e: { fail: () => fail() } }).exports.call(),
  native: () => JSON.parse("{}", () => fail()),
};
async function collect() {
  const stacks = {};
  for (const [name, run] of Object.entries(cases)) {
    try {
      await run();
    } catch (error) {
      stacks[name] = { message: error.message, stack: error.stack };
    }
  }
  return stacks;
}
// From a task of its own, so that nothing of what drives the browser is among the callers.
setTimeout(() => { globalThis.stacks = collect(); });
