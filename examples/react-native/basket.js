import { addBreadcrumb, sendAlert, setTag } from '@error-sentinel/react-native';

/** A basket that can be paid, unless it is empty. */
export class Basket {
  items = [];

  add(item) {
    this.items.push(item);
    addBreadcrumb({ category: 'basket', message: `${item} was added` });
  }

  /** Says whether it was paid; what went wrong is reported. */
  pay(shop) {
    setTag('shop', shop);
    try {
      if (this.items.length === 0) throw new Error('The basket is empty');
      return true;
    } catch (error) {
      sendAlert(error, { tags: { step: 'payment' } });
      return false;
    }
  }
}
