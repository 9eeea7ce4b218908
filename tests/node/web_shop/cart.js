export class Cart {
  constructor(lines) {
    this.lines = lines;
  }

  total() {
    return this.lines.reduce((sum, line) => sum + line.product.price, 0);
  }

  weigh() {
    return this.lines.reduce((sum, line) => sum + line.product.parcel.weight, 0);
  }

  redeem(coupon) {
    return coupon.apply(this.total());
  }
}
