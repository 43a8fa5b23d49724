/** `step-*`: one optimiser step of rank 8, all tokens labelled; 4 x 128 tokens, and for graphics cards 8 x 1024. */
import type { Target } from '../../src-shared/targets.ts';
import { Random } from '../../src-shared/random.ts';
import type { Context } from '../lib/context.ts';
import { vocabularyOf, type Shape } from '../lib/models.ts';
import type { CaseResult } from '../lib/result.ts';
import { randomExample } from '../lib/workload.ts';
import { withPeak } from './withPeak.ts';
import { raceTraining } from './training.ts';

interface Plan {
  shape: Shape;
  targets: Target[];
  B: number;
  T: number;
  what: string;
}

function stepCase(name: string, { shape, targets, B, T, what }: Plan): (context: Context) => Promise<CaseResult> {
  return async (context) => {
    const random = new Random(1);
    const small = context.tiny ? ({ shape: 'tiny', B: 2, T: 16 } as const) : { shape, B, T };
    const batch = Array.from({ length: small.B }, () =>
      randomExample(random, small.T, small.T, vocabularyOf(small.shape)),
    );
    const plan = {
      shape: small.shape,
      targets,
      batches: [batch],
      work: { amount: small.B * small.T, unit: 'tokens/s' },
    };
    const { rows, notes } = await raceTraining(context, {
      ...plan,
      variant: `${small.B} x ${small.T}`,
      rounds: context.quick ? 4 : 10,
      checkSteps: context.quick ? 2 : 4,
    });
    return withPeak(context, { name, what, rows, notes });
  };
}

const SMALL = { B: 4, T: 128 };

export const stepGpt2 = stepCase('step-gpt2', {
  ...SMALL,
  shape: 'gpt2',
  targets: ['q', 'v'],
  what: 'One step, GPT-2-small shape, r = 8 on q and v.',
});
export const stepSmollm = stepCase('step-smollm', {
  ...SMALL,
  shape: 'smollm',
  targets: ['q', 'v'],
  what: 'One step, SmolLM-135M shape, r = 8 on q and v.',
});
export const stepSmollmAll = stepCase('step-smollm-all', {
  ...SMALL,
  shape: 'smollm',
  targets: ['q', 'k', 'v', 'o', 'gate', 'up', 'down'],
  what: 'One step, SmolLM-135M shape, r = 8 on all linear layers.',
});
export const stepSmollmLarge = stepCase('step-smollm-8192', {
  B: 8,
  T: 1024,
  shape: 'smollm',
  targets: ['q', 'v'],
  what: 'One step of 8,192 tokens, SmolLM-135M shape, r = 8 on q and v.',
});
