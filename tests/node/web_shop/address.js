const label = (customer) => {
  const { home } = customer;
  return [home.street.trim(), home.city.toUpperCase()].join(", ");
};

const describe = (customer) => `${customer.name}: ${label(customer)}`;

export const envelope = (customer) => {
  const text = describe(customer);
  return text.padStart(40);
};
