import { envelope } from "./address.js";
import { Cart } from "./cart.js";
import { shelf } from "./catalogue.js";
import { gateway } from "./payment.js";

const bolt = { product: { price: 2 } };
const card = (more) => ({ number: 4242, limit: 10, ...more });

export const bugs = [
  "no product",
  "no parcel",
  "no coupon",
  "no street",
  "no city",
  "card expired",
  "limit exceeded",
  "no receipt",
  "no items",
  "shelf cut off",
  "no such page",
];

// Does what a user does to run into a bug.
export const meet = (bug) => {
  switch (bug) {
    case "no product":
      return new Cart([bolt, {}]).total();
    case "no parcel":
      return new Cart([bolt]).weigh();
    case "no coupon":
      return new Cart([bolt]).redeem({ code: "SPRING" });
    case "no street":
      return envelope({ name: "Ada", home: { city: "Graz" } });
    case "no city":
      return envelope({ name: "Ada", home: { street: "Ring" } });
    case "card expired":
      return gateway.charge(card({ expired: true }), 1);
    case "limit exceeded":
      return gateway.charge(card(), 11);
    case "no receipt":
      return gateway.charge(card(), 1);
    case "no items":
      return shelf.count({ items: [], categories: [{ items: [], categories: [{}] }] });
    case "shelf cut off":
      return shelf.restore('{"categories":[');
    case "no such page":
      return shelf.page(1);
    default:
      throw new Error(`the shop has no bug called ${bug}`);
  }
};
