/** Kinds of personal data in words. */
import type { PersonalKind } from '../../../../src-shared/recipes.ts';

export const PERSONAL_NAMES: Record<PersonalKind, string> = {
  email: 'E-mail addresses',
  phone: 'Phone numbers',
  iban: 'IBANs',
  creditCard: 'Credit cards',
  ip: 'IP addresses',
};
