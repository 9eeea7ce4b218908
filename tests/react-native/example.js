/** The application of `examples/react-native`, and somebody who uses it as far as one can without a screen. */
import '../../examples/react-native/index';
import { flush } from '@error-sentinel/react-native';
import { Basket } from '../../examples/react-native/basket';

const { print, quit } = globalThis;

async function use() {
  const basket = new Basket();
  print(basket.pay('berlin'));
  basket.add('apples');
  print(basket.pay('berlin'));
  globalThis.ErrorUtils.applyWithGuard(() => {
    throw new TypeError('Nobody catches this');
  });
  print(await flush(20_000) ? 'all has left' : 'something has not left');
  quit(0);
}

use();
