/** The application of the tests: everything that one can do, each part of it by its name. */
import { BaseNavigationContainer, createNavigationContainerRef, createNavigatorFactory, StackRouter, useNavigationBuilder } from '@react-navigation/core';
import { createElement } from 'react';
import { create } from 'react-test-renderer';
import { addBreadcrumb, addNavigation, flush, init, sendAlert, setTag, setUser, trackNavigation } from '@error-sentinel/react-native';

const { dsn, print, quit, scenario } = globalThis;

/** Waits until all has left, then ends as an application does that is closed. */
async function leave() {
  print(await flush(20_000) ? 'all has left' : 'something has not left');
  quit(0);
}

const wait = (ms) => new Promise((done) => setTimeout(done, ms));

class PaymentRefused extends Error {
  name = 'PaymentRefused';
}

function charge(amount) {
  throw new PaymentRefused(`${amount} euros were refused`, { cause: new RangeError('there are only two') });
}

function refused() {
  try {
    return charge(12);
  } catch (error) {
    return error;
  }
}

/** Runs code as React Native runs what comes from the system: guarded by its own handler. */
const guarded = (work) => globalThis.ErrorUtils.applyWithGuard(work);

const Empty = () => null;

function Stack({ children }) {
  const { NavigationContent, descriptors, state } = useNavigationBuilder(StackRouter, { children });
  return createElement(NavigationContent, null, state.routes.map(({ key }) => descriptors[key].render()));
}

const scenarios = {
  async everything() {
    setTag('region', 'eu-central');
    setUser({ id: 4711, email: 'someone@example.com' });
    addBreadcrumb({ category: 'cart', message: 'three apples were added 🔔', data: { count: 3 } });
    console.log('the basket', { is: 'open' });
    addNavigation('Basket');
    addNavigation('Checkout');
    const cyclic = { name: 'cyclic' };
    cyclic.self = cyclic;
    Object.defineProperty(cyclic, 'broken', { enumerable: true, get: () => { throw new Error('not yours'); } });
    print(sendAlert(refused(), { level: 'fatal', tags: { shop: 'berlin' }, extra: { cyclic }, fingerprint: ['payment', 'refused'] }));
    print(sendAlert('the till is stuck'));
    print(sendAlert({ status: 500, reason: 'out of paper' }));
    setUser(null);
    print(sendAlert(new Error('nobody is here')));
    await leave();
  },

  /** What nobody catches, but the application goes on. */
  async uncaught() {
    guarded(() => charge(13));
    await wait(10);
    await leave();
  },

  /** What nobody catches, and the application ends by it. */
  async fatal() {
    addBreadcrumb('the last step');
    await wait(10);
    globalThis.ErrorUtils.reportFatalError(refused());
  },

  /** Something that is no error is thrown. */
  async 'fatal-text'() {
    globalThis.ErrorUtils.reportFatalError('out of paper');
  },

  async rejected() {
    Promise.reject(new TypeError('the answer is nothing'));
    Promise.reject('no paper');
    const late = Promise.reject(new TypeError('caught in time'));
    await wait(20);
    late.catch(() => undefined);
    await wait(2500);
    await leave();
  },

  async console() {
    console.error('the printer', 'is on fire');
    console.error('while printing', refused());
    console.error('Warning: Each child in a list should have a unique key');
    console.warn('the paper is low');
    sendAlert(new Error('see what was said'));
    await leave();
  },

  /** An application that throws wherever it is asked. */
  async hostile() {
    const broken = new Proxy({}, { get() { throw new Error('get'); }, ownKeys() { throw new Error('keys'); }, getPrototypeOf() { throw new Error('prototype'); } });
    for (const value of [broken, undefined, null, Symbol('a'), 12n, () => 1, Object.create(null), new Proxy(new Error('x'), {})]) {
      sendAlert(value);
      addBreadcrumb({ message: 'a', data: { value } });
      setTag('value', value);
      setUser({ id: value });
    }
    console.error('no', 'paper', undefined, null, Symbol('a'), 12n);
    addBreadcrumb(broken);
    setUser(broken);
    setTag(broken, broken);
    trackNavigation(broken)();
    init(broken, broken);
    print('still here');
    await leave();
  },

  /** Real screens, which show nothing. */
  async navigation() {
    const { Navigator, Screen } = createNavigatorFactory(Stack)();
    const container = createNavigationContainerRef();
    const screen = (name) => createElement(Screen, { key: name, name, component: Empty });
    const tree = createElement(BaseNavigationContainer, { ref: container }, createElement(Navigator, null, screen('Basket'), screen('Checkout')));
    create(tree);
    await wait(100);
    const end = trackNavigation(container);
    const go = async (move) => {
      move();
      await wait(100);
    };
    await go(() => container.navigate('Checkout', { card: '4111 1111 1111 1111' }));
    await go(() => container.setParams({ step: 2 }));
    await go(() => container.goBack());
    end();
    await go(() => container.navigate('Checkout'));
    sendAlert(new Error('lost on the way'));
    await leave();
  },

  async offline() {
    sendAlert(new Error('nobody answers'));
    print(await flush(500) ? 'all has left' : 'something has not left');
    quit(0);
  },

  async storm() {
    // The fallback is on its way.
    await wait(100);
    for (let count = 0; count < 10_000; count++) console.error('again and again');
    await leave();
  },

  /** More than is kept until the fallback is there. */
  async crowded() {
    for (let count = 0; count < 300; count++) sendAlert(new Error('early'));
    await leave();
  },

  async changed() {
    sendAlert(new Error('a secret of 4711'));
    sendAlert(new Error('not to be told'));
    sendAlert(new Error('the change fails'));
    await leave();
  },

  /** Stacks as Hermes writes them, of bytecode and of a development server, and as JavaScriptCore does on iOS. */
  async stacks() {
    const stacks = {
      bytecode: `TypeError: two
lines at f (x.js:1:2)
    at charge (address at index.android.bundle:1:318)
    at anonymous (address at /data/user/0/com.shop/files/index.android.bundle:1:369)
    at map (native)
    at tryCallOne (address at InternalBytecode.js:1:1180)
    ... skipping 74794 frames
    at global (address at index.android.bundle:1:93)`,
      development: `TypeError: two
lines at f (x.js:1:2)
    at charge (http://10.0.2.2:8081/index.bundle//&platform=android&dev=true&app=com.shop:3318:41)
    at apply (native)`,
      ios: `charge@/var/containers/Bundle/Application/5B1C-77@2/Shop.app/main.jsbundle:3:41
map@[native code]
http://localhost:8081/node_modules/react@19/index.js:3:8
global code@file:///private/var/Shop.app/main.jsbundle:9:1`,
    };
    for (const [name, stack] of Object.entries(stacks)) {
      const error = new TypeError('two\nlines at f (x.js:1:2)');
      error.stack = stack;
      print(sendAlert(error, { fingerprint: [name] }));
    }
    await leave();
  },

  /** Only starts, so that what an earlier run left is sent. */
  async start() {
    await wait(500);
    await leave();
  },

  async 'wrong-dsn'() {
    print(sendAlert(new Error('nowhere to')) === '' ? 'nothing is reported' : 'it has a name');
    await leave();
  },
};

const options = { release: 'shop@1.4.2', environment: 'staging', app: 'Shop', maxBreadcrumbs: 30 };
if (scenario == 'changed') {
  options.beforeSend = (event) => {
    const [error] = event.exception.values;
    if (error.value.includes('fails')) throw new Error('on purpose');
    if (error.value.includes('not to be')) return null;
    error.value = error.value.replace('4711', '****');
    return event;
  };
}
init(dsn, options);
// A second start is none.
init('https://0123456789abcdef0123456789abcdef@127.0.0.1:9/2');
scenarios[scenario]().catch((trouble) => {
  print(`the scenario failed: ${trouble}\n${trouble?.stack}`);
  quit(4);
});
