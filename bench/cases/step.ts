/** `step-*`: one optimiser step of rank 8 on 4 x 128 tokens, all labelled. */
import type { Target } from '../../src-main/engine/model/architecture.ts';
import { Random } from '../../src-main/engine/random.ts';
import type { Context } from '../lib/context.ts';
import { vocabularyOf, type Shape } from '../lib/models.ts';
import type { CaseResult } from '../lib/result.ts';
import { randomExample } from '../lib/workload.ts';
import { raceTraining } from './training.ts';

const B = 4;
const T = 128;

function stepCase(name: string, shape: Shape, targets: Target[], what: string): (context: Context) => Promise<CaseResult> {
  return async (context) => {
    const random = new Random(1);
    const batch = Array.from({ length: B }, () => randomExample(random, T, T, vocabularyOf(shape)));
    const work = { amount: B * T, unit: 'tokens/s' };
    const { rows, notes } = await raceTraining(context, { variant: `${B} x ${T}`, shape, targets, batches: [batch], work, rounds: context.quick ? 4 : 10 });
    return { name, what, rows, notes };
  };
}

export const stepGpt2 = stepCase('step-gpt2', 'gpt2', ['q', 'v'], 'One step, GPT-2-small shape, r = 8 on q and v.');
export const stepSmollm = stepCase('step-smollm', 'smollm', ['q', 'v'], 'One step, SmolLM-135M shape, r = 8 on q and v.');
export const stepSmollmAll = stepCase('step-smollm-all', 'smollm', ['q', 'k', 'v', 'o', 'gate', 'up', 'down'], 'One step, SmolLM-135M shape, r = 8 on all linear layers.');
