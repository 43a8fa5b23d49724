/**
 * Whether questions of a suite were trained on: the same text, or a run of 13 words that both have, which is how
 * GPT-3's authors (Brown et al. 2020, appendix C) and lm-evaluation-harness call a test document contaminated. Words
 * are compared in lower case without punctuation. As in GPT-3's appendix, runs of words of more than ten training rows
 * are boilerplate and do not count. Texts of fewer than 13 words can only be the same as a whole.
 */
import type { Overlap } from '../../src-shared/suites.ts';

export const NGRAM_WORDS = 13;
/** Training rows with a run of words up to which it counts. */
export const MOST_ROWS = 10;

/** A row as texts: what is asked, and the answers that count as right. */
export interface TextRow {
  prompt: string;
  answers: readonly string[];
}

type Kind = keyof Overlap;

export class Contamination {
  /** Questions by their whole texts, and by their runs of words. */
  readonly #whole = new Map<string, number[]>();
  readonly #prompts = new Map<string, number[]>();
  readonly #ngrams = new Map<string, { numbers: number[]; rows: number }>();
  readonly #found = new Map<number, Kind>();

  constructor(questions: readonly TextRow[]) {
    for (const [number, { prompt, answers }] of questions.entries()) {
      note(this.#prompts, comparable(prompt), number);
      for (const answer of answers) {
        note(this.#whole, wholeOf(prompt, answer), number);
        for (const ngram of ngramsOf(`${prompt} ${answer}`)) this.#noteNgram(ngram, number);
      }
    }
  }

  /** Looks at one row that was trained on. */
  add({ prompt, answers }: TextRow): void {
    for (const answer of answers) this.#mark(this.#whole.get(wholeOf(prompt, answer)), 'exact');
    for (const ngram of new Set(answers.flatMap((answer) => [...ngramsOf(`${prompt} ${answer}`)]))) {
      const known = this.#ngrams.get(ngram);
      if (known) known.rows++;
    }
    const asked = comparable(prompt);
    if (asked !== '') this.#mark(this.#prompts.get(asked), 'prompt');
  }

  /** What the rows that were added come to, rising. */
  overlap(): Overlap {
    for (const { numbers, rows } of this.#ngrams.values())
      if (rows > 0 && rows <= MOST_ROWS) this.#mark(numbers, 'ngram');
    const of = (kind: Kind): number[] =>
      [...this.#found].flatMap(([number, own]) => (own === kind ? [number] : [])).sort((a, b) => a - b);
    return { exact: of('exact'), prompt: of('prompt'), ngram: of('ngram') };
  }

  #noteNgram(ngram: string, number: number): void {
    const known = this.#ngrams.get(ngram);
    if (!known) this.#ngrams.set(ngram, { numbers: [number], rows: 0 });
    else if (known.numbers.at(-1) !== number) known.numbers.push(number);
  }

  /** The strongest kind that was found of a question stays. */
  #mark(numbers: readonly number[] | undefined, kind: Kind): void {
    const strength = (one: Kind | undefined): number => (one ? ['ngram', 'prompt', 'exact'].indexOf(one) : -1);
    for (const number of numbers ?? [])
      if (strength(kind) > strength(this.#found.get(number))) this.#found.set(number, kind);
  }
}

function note(map: Map<string, number[]>, key: string, number: number): void {
  const known = map.get(key);
  if (!known) map.set(key, [number]);
  else if (known.at(-1) !== number) known.push(number);
}

function wordsOf(text: string): string[] {
  const bare = text.toLowerCase().replace(/[!-/:-@[-`{-~]/g, '');
  return bare.split(/\s+/u).filter((word) => word !== '');
}

function comparable(text: string): string {
  return wordsOf(text).join(' ');
}

function wholeOf(prompt: string, answer: string): string {
  return `${comparable(prompt)}\n${comparable(answer)}`;
}

function* ngramsOf(text: string): Generator<string> {
  const words = wordsOf(text);
  for (let i = 0; i + NGRAM_WORDS <= words.length; i++) yield words.slice(i, i + NGRAM_WORDS).join(' ');
}
