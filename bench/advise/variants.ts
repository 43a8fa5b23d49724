/** What is compared, all with as many trained values as `plain`: one rank on every matrix. */
export const VARIANTS = [
  'plain',
  'advise-energy',
  'advise-nuclear',
  'advise-share',
  'eva',
  'eva-rho2',
  'lora-ga',
] as const;
export type Variant = (typeof VARIANTS)[number];
