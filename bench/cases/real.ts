/**
 * `real`: 64 examples of log-normal lengths, 35% of the tokens labelled, batches of 8 as they come and sorted by
 * length. Graft batches as its trainer does by default, the rival pads to the longest of the batch. One sample is one
 * epoch.
 */
import type { Target } from '../../src-shared/targets.ts';
import { Random } from '../../src-shared/random.ts';
import type { Context } from '../lib/context.ts';
import { vocabularyOf, type Shape } from '../lib/models.ts';
import type { CaseResult } from '../lib/result.ts';
import { countTokens, labelledTokens, randomExample } from '../lib/workload.ts';
import type { Example } from '../peers/protocol.ts';
import { REAL_LENGTHS } from './realLengths.ts';
import { raceTraining } from './training.ts';
import { withPeak } from './withPeak.ts';

const BATCH = 8;
const LABELLED_SHARE = 0.35;
/** The first batch only, whose lengths are much like those of all, in the order in which they come. */
const QUICK_EXAMPLES = BATCH;

function realExamples(vocabulary: number): Example[] {
  const random = new Random(2);
  return REAL_LENGTHS.map((length) =>
    randomExample(random, length, Math.max(1, Math.round(LABELLED_SHARE * length)), vocabulary),
  );
}

function inBatches(examples: Example[]): Example[][] {
  return Array.from({ length: Math.ceil(examples.length / BATCH) }, (_, i) =>
    examples.slice(i * BATCH, (i + 1) * BATCH),
  );
}

function realCase(name: string, shape: Shape, what: string): (context: Context) => Promise<CaseResult> {
  return async (context) => {
    const all = realExamples(vocabularyOf(shape));
    const examples = context.quick ? all.slice(0, QUICK_EXAMPLES) : all;
    const work = { amount: labelledTokens(examples), unit: 'labelled tokens/s' };
    const plan = {
      shape,
      targets: ['q', 'v'] as Target[],
      work,
      rounds: context.quick ? 2 : 3,
      checkSteps: context.quick ? 2 : 4,
    };
    const results = [await raceTraining(context, { ...plan, variant: 'as they come', batches: inBatches(examples) })];
    if (!context.quick) {
      const sorted = examples.toSorted((a, b) => a.ids.length - b.ids.length);
      results.push(await raceTraining(context, { ...plan, variant: 'sorted by length', batches: inBatches(sorted) }));
    }
    const size =
      `One sample is an epoch of ${examples.length} examples, ${countTokens(examples)} tokens, ${work.amount} of ` +
      'them labelled.';
    return withPeak(context, {
      name,
      what,
      rows: results.flatMap(({ rows }) => rows),
      notes: [size, ...results.flatMap(({ notes }) => notes)],
    });
  };
}

export const realGpt2 = realCase(
  'real',
  'gpt2',
  'Examples of uneven length in batches of 8, GPT-2-small shape, r = 8 on q and v.',
);
export const realSmollm = realCase(
  'real-smollm',
  'smollm',
  'Examples of uneven length in batches of 8, SmolLM-135M shape, r = 8 on q and v.',
);
