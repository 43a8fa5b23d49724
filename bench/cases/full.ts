/**
 * `full`: every weight trained against LoRA of rank 8 on the same step, the comparison of Hu et al. 2021, table 1 and
 * section 4.2.
 */
import { Random } from '../../src-shared/random.ts';
import { GRAFT, type Context } from '../lib/context.ts';
import { vocabularyOf } from '../lib/models.ts';
import type { CaseResult } from '../lib/result.ts';
import { randomExample } from '../lib/workload.ts';
import { raceTraining, type TrainingResult } from './training.ts';
import { withPeak } from './withPeak.ts';

const B = 4;
const T = 128;
const METHODS = ['lora', 'full'] as const;
/** AdamW keeps two float32 moments of every trained number. */
const MOMENT_BYTES = 8;

export async function full(context: Context): Promise<CaseResult> {
  const random = new Random(1);
  const batch = Array.from({ length: B }, () => randomExample(random, T, T, vocabularyOf('gpt2')));
  const results: TrainingResult[] = [];
  for (const method of METHODS) {
    const plan = {
      variant: method,
      shape: 'gpt2',
      method,
      targets: ['q', 'v'],
      batches: [batch],
      work: { amount: B * T, unit: 'tokens/s' },
    } as const;
    results.push(
      await raceTraining(context, {
        ...plan,
        targets: [...plan.targets],
        batches: [...plan.batches],
        rounds: context.quick ? 3 : 8,
        checkSteps: context.quick ? 2 : 4,
        save: true,
      }),
    );
  }
  const notes = results.flatMap((result, i) => [storedNote(METHODS[i]!, result), ...result.notes]);
  return withPeak(context, {
    name: 'full',
    what: `One step on ${B} x ${T} tokens, GPT-2-small shape: LoRA of rank 8 on q and v, and full fine-tuning.`,
    rows: results.flatMap(({ rows }) => rows),
    notes: [comparison(results), ...notes],
  });
}

function storedNote(method: string, { trainable, saved }: TrainingResult): string {
  const mb = (bytes: number): string => `${(bytes / 1e6).toFixed(bytes < 1e8 ? 1 : 0)} MB`;
  return (
    `${method}: ${trainable} trainable parameters, ${mb(trainable * MOMENT_BYTES)} of optimiser state, ` +
    `${mb(saved!.resultBytes)} of trained weights, ${mb(saved!.resumeBytes)} to resume from.`
  );
}

function comparison(results: TrainingResult[]): string {
  const [lora, all] = results.map(({ rows }) => rows.find(({ system }) => system === GRAFT)!);
  const time =
    lora!.disturbed || all!.disturbed
      ? 'times were disturbed'
      : `a step of LoRA takes ${(lora!.time.median / all!.time.median).toFixed(2)} of the time`;
  const stored = results[0]!.saved!.resultBytes / results[1]!.saved!.resultBytes;
  return (
    `Graft, LoRA against full: ${time}, peak memory ${(lora!.peakBytes! / all!.peakBytes!).toFixed(2)}, trained ` +
    `weights on disk 1/${Math.round(1 / stored)}.`
  );
}
