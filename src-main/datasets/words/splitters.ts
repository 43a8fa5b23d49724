/**
 * The patterns by which byte-level tokenizers split a text into words, as loops over its characters: many times as fast
 * as the regular expressions, whose matches they give exactly. A pattern that is none of these is run as it is.
 */
import { basicKinds, LETTER, NUMBER, OTHER, pairKind, SPACE } from './characters.ts';

/** Calls `onWord` with the start and end of each word of `text` from `from` to `to`, in order, nothing left out. */
export type Splitter = (text: string, from: number, to: number, onWord: (start: number, end: number) => void) => void;

const GPT2 =
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\p{White_Space}\\p{L}\\p{N}]+|" +
  '\\p{White_Space}+(?!\\P{White_Space})|\\p{White_Space}+';
const cl100k = (number: string): string =>
  "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" +
  `${number}| ?[^\\p{White_Space}\\p{L}\\p{N}]+[\\r\\n]*|\\p{White_Space}*[\\r\\n]+|` +
  '\\p{White_Space}+(?!\\P{White_Space})|\\p{White_Space}+';
const DIGITS = '[^\\p{N}]+|\\p{N}';

/** By the source of the compiled pattern. */
const KNOWN = new Map<string, Splitter>([
  [GPT2, gpt2],
  [cl100k('\\p{N}{1,3}'), likeCl100k(3)],
  [cl100k('\\p{N}'), likeCl100k(1)],
]);

/** What does the same as this pattern where it is known. */
export function splitterOf(pattern: RegExp): Splitter | undefined {
  return KNOWN.get(pattern.source);
}

/** Whether the pattern takes each digit out by itself; `afterDigits` then splits what is left. */
export function isDigitsPattern(pattern: RegExp): boolean {
  return pattern.source === DIGITS;
}

/** Splits each digit off first, and what is between them by `inner`, to which the digits are the ends of its text. */
export function afterDigits(inner: Splitter): Splitter {
  return (text, from, to, onWord) => {
    for (let at = from; at < to;) {
      const end = endOf(text, at, to, LETTER | SPACE | OTHER);
      if (end > at) inner(text, at, end, onWord);
      at = end;
      if (at === to) return;
      const after = at + widthAt(text, at, to);
      onWord(at, after);
      at = after;
    }
  };
}

/** The kind of the character at `at`. */
function kindAt(text: string, at: number, to: number): number {
  const unit = text.charCodeAt(at);
  return pairKind(text, unit, at, to) || basicKinds()[unit]!;
}

function widthAt(text: string, at: number, to: number): number {
  return pairKind(text, text.charCodeAt(at), at, to) === 0 ? 1 : 2;
}

/** Where the run of characters of these kinds ends that begins at `at`. */
function endOf(text: string, at: number, to: number, kinds: number): number {
  const basic = basicKinds();
  while (at < to) {
    const unit = text.charCodeAt(at);
    if (unit < 0xd800 || unit > 0xdbff) {
      if ((basic[unit]! & kinds) === 0) return at;
      at++;
      continue;
    }
    const pair = pairKind(text, unit, at, to);
    if (((pair || basic[unit]!) & kinds) === 0) return at;
    at += pair === 0 ? 1 : 2;
  }
  return to;
}

const [APOSTROPHE, BLANK, LINE_FEED, RETURN] = [0x27, 0x20, 0x0a, 0x0d];

/** Where the English ending ends whose apostrophe stands at `at`; `at` where there is none. */
function endOfEnding(text: string, at: number, to: number, fold: number): number {
  if (at + 1 >= to) return at;
  const first = text.charCodeAt(at + 1) | fold;
  // s, t, m and d
  if (first === 0x73 || first === 0x74 || first === 0x6d || first === 0x64) return at + 2;
  if (at + 2 >= to) return at;
  const second = text.charCodeAt(at + 2) | fold;
  // re, ve and ll
  if ((first === 0x72 || first === 0x76) && second === 0x65) return at + 3;
  return first === 0x6c && second === 0x6c ? at + 3 : at;
}

/** White space from `at` to `end` where nothing else matches: all but the last one where a character follows it. */
function endOfSpaces(at: number, end: number, to: number): number {
  return end === to || end - at === 1 ? end : end - 1;
}

function gpt2(text: string, from: number, to: number, onWord: (start: number, end: number) => void): void {
  for (let at = from; at < to;) {
    const unit = text.charCodeAt(at);
    let end = unit === APOSTROPHE ? endOfEnding(text, at, to, 0) : at;
    if (end === at) {
      const first = unit === BLANK && at + 1 < to ? at + 1 : at;
      const kind = kindAt(text, first, to);
      if (kind !== SPACE) end = endOf(text, first, to, kind);
      else end = endOfSpaces(at, endOf(text, at, to, SPACE), to);
    }
    onWord(at, end);
    at = end;
  }
}

/** `digits`: of one number at most. */
function likeCl100k(digits: number): Splitter {
  return (text, from, to, onWord) => {
    for (let at = from; at < to;) {
      const end = endOfWord(text, at, to, digits);
      onWord(at, end);
      at = end;
    }
  };
}

function endOfWord(text: string, at: number, to: number, digits: number): number {
  const unit = text.charCodeAt(at);
  if (unit === APOSTROPHE) {
    const end = endOfEnding(text, at, to, 0x20);
    if (end > at) return end;
  }
  const kind = kindAt(text, at, to);
  if (kind === LETTER) return endOf(text, at, to, LETTER);
  if (kind === NUMBER) return endOfDigits(text, at, to, digits);
  const next = at + widthAt(text, at, to);
  const nextKind = next < to ? kindAt(text, next, to) : 0;
  if (nextKind === LETTER && unit !== LINE_FEED && unit !== RETURN) return endOf(text, next, to, LETTER);
  if (kind === OTHER || (unit === BLANK && nextKind === OTHER)) {
    let end = endOf(text, kind === OTHER ? at : next, to, OTHER);
    while (end < to && isLineEnd(text.charCodeAt(end))) end++;
    return end;
  }
  const end = endOf(text, at, to, SPACE);
  for (let last = end; last > at; last--) if (isLineEnd(text.charCodeAt(last - 1))) return last;
  return endOfSpaces(at, end, to);
}

function endOfDigits(text: string, at: number, to: number, most: number): number {
  let end = at;
  for (let count = 0; count < most && end < to && kindAt(text, end, to) === NUMBER; count++)
    end += widthAt(text, end, to);
  return end;
}

function isLineEnd(unit: number): boolean {
  return unit === LINE_FEED || unit === RETURN;
}
