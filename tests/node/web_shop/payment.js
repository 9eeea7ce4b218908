export class PaymentError extends Error {
  constructor(message) {
    super(message);
    this.name = "PaymentError";
  }
}

const authorise = (card, amount) => {
  if (card.expired) {
    throw new PaymentError(`card ${card.number} expired`);
  }
  if (amount > card.limit) {
    throw new PaymentError(`limit of ${card.limit} exceeded`);
  }
  return { amount };
};

export const gateway = {
  charge(card, amount) {
    const approval = authorise(card, amount);
    return this.settle(approval);
  },

  settle(approval) {
    return approval.receipt.id;
  },
};
