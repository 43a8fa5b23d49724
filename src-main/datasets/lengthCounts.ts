/** How long the rows of a file are: for choosing a maximum length and seeing what it cuts, before a run. */
import type { LengthCounts } from '../../src-shared/tokens.ts';
import { renderExample } from './render.ts';
import type { TextTokenizer } from './tokenizer.ts';
import type { Example, LossOn } from '../../src-shared/datasets.ts';

const REPORT_MS = 300;

/**
 * Counts tokens with the trainer's own function: what is counted so far, about three times a second, and the whole at
 * the end.
 */
export async function* countTokens(
  examples: AsyncIterable<Example>,
  {
    total,
    tokenizer,
    ...rules
  }: { total: number; tokenizer: TextTokenizer; lossOn: LossOn; controlTokens?: boolean | undefined },
): AsyncGenerator<LengthCounts> {
  const lengths = new Map<number, number>();
  const prompts = new Map<number, number>();
  let done = 0;
  let reported = performance.now();
  const counts = (): LengthCounts => ({
    unit: 'tokens',
    done,
    total,
    lengths: sorted(lengths),
    prompts: sorted(prompts),
  });
  for await (const example of examples) {
    const row = renderExample(example, tokenizer, { ...rules, maxLength: Infinity });
    done++;
    if ('reason' in row) continue;
    add(lengths, row.fullLength);
    add(prompts, row.promptTokens);
    if (performance.now() - reported < REPORT_MS) continue;
    yield counts();
    reported = performance.now();
  }
  yield counts();
}

/** The same for characters, which need no model. */
export function countCharacters(lengths: Iterable<number>): LengthCounts {
  const counted = new Map<number, number>();
  let total = 0;
  for (const length of lengths) {
    add(counted, length);
    total++;
  }
  return { unit: 'characters', done: total, total, lengths: sorted(counted), prompts: [] };
}

function add(counts: Map<number, number>, length: number): void {
  counts.set(length, (counts.get(length) ?? 0) + 1);
}

function sorted(counts: Map<number, number>): [number, number][] {
  return [...counts].sort((a, b) => a[0] - b[0]);
}
