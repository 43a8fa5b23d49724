/**
 * Personal data in texts: e-mail addresses, phone numbers (international, and as they are written in Germany), IBANs
 * and credit cards with right check digits, IP addresses. Names and postal addresses are not looked for. Each pattern
 * has bounded repeats, so it takes time in proportion to the text.
 */
import net from 'node:net';
import { parsePhoneNumberFromString } from 'libphonenumber-js';
import { PERSONAL_KINDS, PERSONAL_TOKENS, type PersonalKind } from '../../../src-shared/recipes.ts';
import { isIban, passesLuhn } from './checkDigits.ts';

export interface Found {
  kind: PersonalKind;
  start: number;
  end: number;
}

interface Search {
  kind: PersonalKind;
  pattern: RegExp;
  /** Where what was found ends; undefined where it is something else. */
  lengthOf: (text: string) => number | undefined;
}

const whole = (test: (text: string) => boolean) => (text: string) => (test(text) ? text.length : undefined);

/** What is found first is not looked for again: an IBAN holds what could be a phone number. */
const SEARCHES: readonly Search[] = [
  {
    kind: 'email',
    pattern:
      /(?<![\p{L}\p{N}._%+-])[\p{L}\p{N}._%+-]{1,64}@(?:[\p{L}\p{N}-]{1,63}\.){1,8}\p{L}{2,24}(?![\p{L}\p{N}])/gu,
    lengthOf: whole(() => true),
  },
  {
    kind: 'iban',
    pattern: /(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?/g,
    lengthOf: longestIban,
  },
  {
    kind: 'creditCard',
    pattern: /(?<![\d+])(?:\d[ -]?){12,18}\d(?!\d)/g,
    lengthOf: whole((text) => /^(?:[3-6]|2[2-7])/.test(text) && passesLuhn(text)),
  },
  {
    kind: 'ip',
    pattern: /(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f:]{0,39}:[0-9A-Fa-f:]{1,39})(?![\w:]|\.\d)/g,
    // `dead::beef` is more likely a name in a program.
    lengthOf: whole((text) => net.isIP(text) > 0 && /\d/.test(text)),
  },
  {
    kind: 'phone',
    pattern: /(?<![\p{L}\d.,/+-])(?:\+|00?[1-9]|\(0|\(\+)[\d ()/.\u2013-]{5,24}\d(?![\p{L}\d])/gu,
    lengthOf: whole(isPhone),
  },
];

/** Where personal data stands in a text, in order, nothing twice. */
export function findPersonal(text: string, kinds: ReadonlySet<PersonalKind>): Found[] {
  const found: Found[] = [];
  if (!/[\d@]/.test(text)) return found;
  for (const { kind, pattern, lengthOf } of SEARCHES) {
    if (!kinds.has(kind)) continue;
    for (const match of text.matchAll(pattern)) {
      const start = match.index;
      const length = lengthOf(match[0]);
      if (length === undefined) continue;
      const end = start + length;
      if (found.every((other) => other.end <= start || other.start >= end)) found.push({ kind, start, end });
    }
  }
  return found.sort((a, b) => a.start - b.start);
}

/** The text with a token in place of everything that was found. */
export function maskFound(text: string, found: readonly Found[]): string {
  let masked = '';
  let from = 0;
  for (const { kind, start, end } of found) {
    masked += text.slice(from, start) + PERSONAL_TOKENS[kind];
    from = end;
  }
  return masked + text.slice(from);
}

/** A count for each kind, all 0. */
export function noPersonal(): Record<PersonalKind, number> {
  return Object.fromEntries(PERSONAL_KINDS.map((kind) => [kind, 0])) as Record<PersonalKind, number>;
}

/** A word in capitals after the number may look like a group of it: the longest beginning that is an IBAN. */
function longestIban(text: string): number | undefined {
  for (let end = text.length; end > 0; end = text.lastIndexOf(' ', end - 1)) {
    if (isIban(text.slice(0, end))) return end;
  }
  return undefined;
}

/** `04.05.2026` would be a number in Hamburg. */
function isPhone(text: string): boolean {
  if (/^\d{1,2}[./-]\d{1,2}[./-](?:\d{2}|\d{4})$/.test(text)) return false;
  return parsePhoneNumberFromString(text.replace(/^00/, '+'), 'DE')?.isValid() === true;
}
