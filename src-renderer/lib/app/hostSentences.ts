/**
 * What the main process and the workers say arrives in English, with values put in, and so it is kept: errors,
 * warnings, log lines. Here such a sentence is found among the catalogue's by what does not change in it, and said in
 * the language of the page. One that is in no catalogue stays as it is.
 */

/** A compiled text: a string, or strings and numbers of values in turn. */
export type Text = string | readonly unknown[];

export interface HostSentence {
  /** With `{0}` for values; several: the forms of a noun. */
  english: string | readonly string[];
  text: Text;
}

interface Pattern {
  whole: RegExp;
  /** The longest part that does not change; most sentences are told apart by looking for it. */
  longest: string;
  /** The number of each value in order. */
  values: number[];
  text: readonly unknown[];
  /** Letters that do not change. */
  weight: number;
}

/** Fewer letters than these say too little: `{0} of {1}`. */
const LEAST_LETTERS = 4;
const VALUE = /\{(\d+)\}/;
const MOST_NESTED = 4;
/** Longer texts are no sentences, and the time to look for several values in one grows with powers of its length. */
const MOST_LETTERS = 3000;

export class HostSentences {
  #fixed = new Map<string, string>();
  #nouns = new Map<string, readonly [one: string, more: string]>();
  #patterns: Pattern[] = [];
  #numbers: Intl.NumberFormat;
  #known = new Map<string, string>();

  /** `numbers`: the locale that writes them. */
  constructor(sentences: readonly HostSentence[], numbers: string) {
    this.#numbers = new Intl.NumberFormat(numbers, { maximumFractionDigits: 20 });
    for (const { english, text } of sentences) this.#add(english, text);
    this.#patterns.sort((a, b) => b.weight - a.weight);
  }

  /** The sentence in the language of the page, or as it is. */
  translated(sentence: string): string {
    const known = this.#known.get(sentence);
    if (known !== undefined) return known;
    if (sentence.length > MOST_LETTERS) return sentence;
    const text = this.#said(sentence, 0);
    this.#known.set(sentence, text);
    return text;
  }

  #add(english: string | readonly string[], text: Text): void {
    if (typeof english !== 'string') {
      const [one, more] = text as readonly string[];
      if (one && more) for (const form of english) this.#nouns.set(form, [one, more]);
    } else if (typeof text === 'string') this.#fixed.set(english, text);
    else if (text.every((part) => typeof part !== 'object')) {
      const parts = english.split(VALUE);
      const fixed = parts.filter((_, i) => i % 2 === 0);
      const weight = fixed.join('').replace(/\P{L}/gu, '').length;
      if (weight < LEAST_LETTERS) return;
      this.#patterns.push({
        whole: new RegExp(`^${fixed.map(escaped).join('([^]*?)')}$`),
        longest: fixed.reduce((longest, part) => (part.length > longest.length ? part : longest)),
        values: parts.filter((_, i) => i % 2 === 1).map(Number),
        text,
        weight,
      });
    }
  }

  #said(english: string, depth: number): string {
    const fixed = this.#fixed.get(english);
    if (fixed !== undefined) return fixed;
    if (depth > MOST_NESTED) return english;
    for (const { whole, longest, values, text } of this.#patterns) {
      const found = english.includes(longest) ? whole.exec(english) : null;
      if (!found) continue;
      const said = new Map(values.map((value, i) => [value, this.#value(found[i + 1] ?? '', depth + 1)]));
      return text.map((part) => (typeof part === 'number' ? said.get(part) : part)).join('');
    }
    const sentences = english.split(/(?<=[.!?]) (?=\p{Lu})/u);
    if (sentences.length > 1) return sentences.map((one) => this.#value(one, depth + 1)).join(' ');
    const clauses = english.split('; ');
    if (clauses.length > 1) return clauses.map((one) => this.#value(one, depth + 1)).join('; ');
    return english;
  }

  /** `1,200 rows`, `0.25` and `0.004 ± 0.010` as the language writes them; what is a sentence itself is translated. */
  #value(value: string, depth: number): string {
    const [, mean, width] = /^(-?[\d.]+) ± ([\d.]+)$/.exec(value) ?? [];
    if (mean && width) return `${this.#value(mean, depth)} ± ${this.#value(width, depth)}`;
    const [, digits, noun, end] = /^([\d,]+(?:\.\d+)?)(?: (.+?))?(\.?)$/.exec(value) ?? [];
    if (digits === undefined) return /\p{L}{2}/u.test(value) ? this.#said(value, depth) : value;
    const number = Number(digits.replaceAll(',', ''));
    const decimals = digits.split('.')[1]?.length ?? 0;
    const shown =
      decimals > 0 ? digits.replace('.', this.#numbers.format(0.5).charAt(1)) : this.#numbers.format(number);
    if (noun === undefined) return `${digits.includes(',') || decimals > 0 ? shown : digits}${end}`;
    const forms = this.#nouns.get(noun);
    return forms ? `${shown} ${forms[number === 1 ? 0 : 1]}${end}` : value;
  }
}

/** As part of a regular expression. */
function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

let sentences: HostSentences | undefined;

/** Before anything is shown; without it the host's English stays. */
export function useHostSentences(read: HostSentences): void {
  sentences = read;
}

/** A sentence of the host in the language of the page. */
export function hostText(sentence: string): string {
  return sentences?.translated(sentence) ?? sentence;
}
