/** How somebody is addressed before the name; none where the name says it, or nobody knows. */
export const ADDRESSES = ['', 'Ông', 'Bà', 'Đồng chí'] as const;
export type Address = (typeof ADDRESSES)[number];

const FORM = /^(ông|bà|đồng chí|đ\/c)\s+/i;

/** The form of address that a name begins with. */
export function addressed(name: string): Address {
  const word = FORM.exec(name.normalize('NFC'))?.[1]?.toLowerCase();
  return word === 'ông' ? 'Ông' : word === 'bà' ? 'Bà' : word === undefined ? '' : 'Đồng chí';
}

/** The name without it. */
export const withoutAddress = (name: string): string => name.normalize('NFC').replace(FORM, '');
