/** Published example numbers, their wrong neighbours, and what only looks like personal data. */
import { expect, it } from 'vitest';
import { PERSONAL_KINDS, type PersonalKind } from '../../../src-shared/recipes.ts';
import { isIban, passesLuhn } from './checkDigits.ts';
import { findPersonal, maskFound } from './personal.ts';

const ALL = new Set<PersonalKind>(PERSONAL_KINDS);
const masked = (text: string): string => maskFound(text, findPersonal(text, ALL));

/** Of the IBAN registry (SWIFT), one for each country. */
const IBANS = [
  'DE89 3704 0044 0532 0130 00',
  'AT61 1904 3002 3457 3201',
  'CH93 0076 2011 6238 5295 7',
  'FR14 2004 1010 0505 0001 3M02 606',
  'GB29 NWBK 6016 1331 9268 19',
  'NL91 ABNA 0417 1643 00',
  'NO93 8601 1117 947',
  'MT84 MALT 0110 0001 2345 MTLC AST0 01S',
];

it.each(IBANS)('%s is an IBAN, written together too, and no longer with one digit changed', (iban) => {
  expect(isIban(iban)).toBe(true);
  expect(isIban(iban.replaceAll(' ', ''))).toBe(true);
  const wrong = iban.replace(/\d/, (digit) => String((Number(digit) + 1) % 10));
  expect(isIban(wrong)).toBe(false);
  expect(masked(`Konto ${iban} bitte`)).toBe('Konto [IBAN] bitte');
  expect(masked(`Konto:${iban.replaceAll(' ', '')}.`)).toBe('Konto:[IBAN].');
});

it('an IBAN before a word in capitals ends where it ends', () => {
  expect(masked('DE89 3704 0044 0532 0130 00 EUR 12')).toBe('[IBAN] EUR 12');
});

/** Test numbers of the card schemes. */
const CARDS = ['4111 1111 1111 1111', '5500005555555559', '3782-822463-10005', '6011000990139424'];

it.each(CARDS)('%s is a card, and its neighbour is not', (card) => {
  expect(passesLuhn(card)).toBe(true);
  const wrong = card.replace(/\d(?=\D*$)/, (digit) => String((Number(digit) + 1) % 10));
  expect(passesLuhn(wrong)).toBe(false);
  expect(masked(`Karte ${card}!`)).toBe('Karte [CREDIT_CARD]!');
  expect(masked(`Nummer ${wrong}!`)).not.toContain('[CREDIT_CARD]');
});

it.each([
  '+49 30 901820',
  '+49 (0)30 901820',
  '0049 30 901820',
  '030 901820',
  '(030) 90 18 20',
  '030/901820',
  '0171-1234567',
  '01711234567',
  '+1 202-456-1111',
  '+44 20 7946 0958',
  '+43 1 58058-0',
])('%s is a phone number', (phone) => {
  expect(masked(`Rufen Sie ${phone} an, Frau Müller.`)).toBe('Rufen Sie [PHONE] an, Frau Müller.');
});

it.each([
  'Am 04.05.2026 um 08:30 Uhr',
  'Bestellung 12345678, Kunde 4711',
  'für 0,50 € statt 1.234,56 €',
  '2026-05-04T08:30:00',
  'Version 2.10.3, §§ 12 ff.',
  'ein@ und @home und a@b',
  'std::abs(x) dead::beef',
  '999.1.1.1 und 1.2.3',
])('"%s" holds nothing personal', (text) => {
  expect(findPersonal(text, ALL)).toEqual([]);
});

it.each([
  ['Mail an jürgen.groß@büro-müller.de.', 'Mail an [EMAIL].'],
  ['<a.b+c@sub.example.org>', '<[EMAIL]>'],
  ['von 192.168.0.17, dann 2001:db8::1', 'von [IP], dann [IP]'],
])('"%s" becomes "%s"', (text, want) => {
  expect(masked(text)).toBe(want);
});

it('kinds that are not asked for stay', () => {
  const text = 'a@b.de 192.168.0.1';
  expect(maskFound(text, findPersonal(text, new Set(['ip'])))).toBe('a@b.de [IP]');
});

it('takes time in proportion to hostile texts', () => {
  for (const text of [
    'a@'.repeat(50_000),
    '1 '.repeat(100_000),
    'a.'.repeat(100_000),
    '0('.repeat(100_000),
    ':'.repeat(200_000),
  ])
    expect(findPersonal(text, new Set(['email', 'iban', 'creditCard', 'ip']))).toEqual([]);
});
