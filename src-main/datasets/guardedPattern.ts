/**
 * Patterns that a tokenizer.json brings along. Those of the well-known tokenizers run as they are; any other could take
 * endless time on some text, so it runs under a deadline.
 */
import { withDeadline } from '../files/deadline.ts';
import { GraftError } from '../../src-shared/errors.ts';
import { shownValue } from '../../src-shared/shownValue.ts';

const DEADLINE_MS = 1000;

const LETTERS = '[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]';
const SMALL = '[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]';
const ENDINGS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const SPACES = '\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+';
const words = (endings: string): string =>
  `[^\\r\\n\\p{L}\\p{N}]?${LETTERS}*${SMALL}+${endings}|[^\\r\\n\\p{L}\\p{N}]?${LETTERS}+${SMALL}*${endings}`;

/** By the text in tokenizer.json. Each takes time in proportion to the text. */
const KNOWN = new Set([
  // GPT-2, and models after it that write its pattern out
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
  "'(?:[sdmt]|ll|ve|re)| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
  // Llama 3, SmolLM, Phi-4 and cl100k; Qwen 2, 2.5 and 3
  ...['\\p{N}{1,3}', '\\p{N}'].map(
    (number) => `${ENDINGS}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${number}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|${SPACES}`,
  ),
  // GPT-4o and Llama 4; Mistral's Tekken
  ...['\\p{N}{1,3}', '\\p{N}'].flatMap((number) =>
    [`${ENDINGS}?`, ''].map((endings) => `${words(endings)}|${number}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|${SPACES}`),
  ),
]);

/** One character or class, repeated or not, perhaps after a space: nothing to go back over. */
const SIMPLE = new RegExp(
  [
    /^(?: \?|\\s\?)?/,
    /(?:\\[dDwWsSrnt]|\\[pP]\{\w+\}|\[(?:[^\]\\]|\\.)*\]|[^\\()[\]{}|?*+.^$])/,
    /(?:[+*?]|\{\d{1,3}(?:,\d{0,3})?\})?$/,
  ]
    .map(({ source }) => source)
    .join(''),
);

/**
 * Two patterns of the library's own, for ByteLevel and Digits, go by JavaScript's \s and \d. The tokenizers that
 * models were trained with, and llama.cpp, go by Unicode's white space and numbers: U+0085 is a space and the byte
 * order mark none, and १ is a digit.
 */
const CORRECTED = new Map(
  [
    [
      /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/u,
      { '\\s': '\\p{White_Space}', '\\S': '\\P{White_Space}' },
    ] as const,
    [/[^\d]+|\d/, { '\\d': '\\p{N}' }] as const,
    [/[^\d]+|\d+/, { '\\d': '\\p{N}' }] as const,
  ].map(([{ source }, classes]): [string, RegExp] => {
    const corrected = Object.entries(classes).reduce((text, [own, right]) => text.replaceAll(own, right), source);
    return [source, new RegExp(corrected, 'gu')];
  }),
);

/**
 * Puts a guard around the patterns within a tokenizer's normalizer, pre-tokenizer and decoder, in their places, and
 * corrects the library's own. `file`: tokenizer.json.
 */
export function guardPatterns(parts: readonly unknown[], file: string): void {
  const seen = new Set<object>();
  const stack: unknown[] = [...parts];
  while (stack.length > 0) {
    const part = stack.pop();
    if ((typeof part !== 'object' && typeof part !== 'function') || part === null || seen.has(part)) continue;
    seen.add(part);
    for (const [key, value] of Object.entries(part) as [string, unknown][]) {
      if (value instanceof RegExp) {
        const text = textOf(part);
        const corrected = text === undefined ? CORRECTED.get(value.source) : undefined;
        if (corrected) Reflect.set(part, key, corrected);
        else if (text !== undefined && !KNOWN.has(text) && !SIMPLE.test(text))
          Reflect.set(part, key, new GuardedPattern(value, text, file));
      } else if (key !== 'config') stack.push(value);
    }
  }
}

/** The pattern in the part's configuration; undefined for the library's own. */
function textOf(part: object): string | undefined {
  const config: unknown = Reflect.get(part, 'config');
  const pattern: unknown = typeof config === 'object' && config !== null ? Reflect.get(config, 'pattern') : undefined;
  const text: unknown = typeof pattern === 'object' && pattern !== null ? Reflect.get(pattern, 'Regex') : undefined;
  return typeof text === 'string' ? text : undefined;
}

/** Stands in for a global RegExp where strings look for one: match, matchAll, replaceAll and split. */
class GuardedPattern {
  readonly flags = 'gu';
  private readonly pattern: RegExp;
  private readonly text: string;
  private readonly file: string;

  constructor(pattern: RegExp, text: string, file: string) {
    this.pattern = pattern;
    this.text = text;
    this.file = file;
  }

  [Symbol.match](text: string): RegExpMatchArray | null {
    return this.run(text, () => text.match(this.pattern));
  }

  [Symbol.matchAll](text: string): IterableIterator<RegExpMatchArray> {
    return this.run(text, () => [...text.matchAll(this.pattern)]).values();
  }

  [Symbol.replace](text: string, replacement: string): string {
    return this.run(text, () => text.replaceAll(this.pattern, replacement));
  }

  [Symbol.split](text: string, limit?: number): string[] {
    return this.run(text, () => text.split(this.pattern, limit));
  }

  private run<T>(text: string, work: () => T): T {
    return withDeadline(
      () => {
        this.pattern.lastIndex = 0;
        return work();
      },
      DEADLINE_MS,
      () =>
        new GraftError(
          'TOKENIZER_BROKEN',
          `${this.file} splits texts by the pattern ${shownValue(this.text)}, which takes endless time on a text of ` +
            `${text.length} characters; use the tokenizer of the original model.`,
          { file: this.file, pattern: this.text },
        ),
    );
  }
}
