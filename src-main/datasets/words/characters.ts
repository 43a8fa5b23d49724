/** What a character is to the patterns by which tokenizers split texts, from a table in place of a pattern. */

export const LETTER = 1;
export const NUMBER = 2;
export const SPACE = 4;
export const OTHER = 8;

/** Of each code unit; a surrogate without its other half is no letter, number or space, as in a pattern with `u`. */
let basic: Uint8Array | undefined;
/** Of code points beyond 0xffff, as they are met. */
const astral = new Map<number, number>();

function kindOf(character: string): number {
  if (/\p{L}/u.test(character)) return LETTER;
  if (/\p{N}/u.test(character)) return NUMBER;
  return /\p{White_Space}/u.test(character) ? SPACE : OTHER;
}

/** The kinds of all code units; made once. */
export function basicKinds(): Uint8Array {
  basic ??= Uint8Array.from({ length: 0x10000 }, (_, unit) => kindOf(String.fromCharCode(unit)));
  return basic;
}

/** The kind of the code point whose first half `unit` stands at `at`; 0 where its second half is not before `to`. */
export function pairKind(text: string, unit: number, at: number, to: number): number {
  if (unit < 0xd800 || unit > 0xdbff || at + 1 >= to) return 0;
  const second = text.charCodeAt(at + 1);
  if (second < 0xdc00 || second > 0xdfff) return 0;
  const point = (unit - 0xd800) * 0x400 + (second - 0xdc00) + 0x10000;
  let kind = astral.get(point);
  if (kind === undefined) astral.set(point, (kind = kindOf(String.fromCodePoint(point))));
  return kind;
}
