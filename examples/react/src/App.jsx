import { useState } from 'react';
import { Boundary } from './Boundary.jsx';

export function App() {
  const [basket, setBasket] = useState({ items: [{ name: 'Apple', price: { amount: 2 } }] });
  return (
    <main>
      <h1>Shop</h1>
      <button id="add" onClick={() => setBasket({ items: [...basket.items, { name: 'Pear' }] })}>
        Add a pear
      </button>
      <button
        id="break"
        onClick={() => {
          throw new TypeError('The click failed');
        }}
      >
        Break
      </button>
      <Boundary fallback={<p id="sorry">The basket cannot be shown; we have been told.</p>}>
        <Basket items={basket.items} />
      </Boundary>
    </main>
  );
}

/** Fails while it is rendered as soon as an item has no price. */
function Basket({ items }) {
  const sum = items.reduce((sum, item) => sum + item.price.amount, 0);
  return <p id="sum">{sum} euros</p>;
}
