/** All cases by name, in the order of `all`. */
import type { Context } from '../lib/context.ts';
import type { CaseResult } from '../lib/result.ts';
import { generate } from './generate.ts';
import { grow } from './grow.ts';
import { load } from './load.ts';
import { merge } from './merge.ts';
import { realGpt2, realSmollm } from './real.ts';
import { stepGpt2, stepSmollm, stepSmollmAll } from './step.ts';
import { switchAdapter } from './switch.ts';

export const CASES: Record<string, (context: Context) => Promise<CaseResult>> = {
  'step-gpt2': stepGpt2,
  'step-smollm': stepSmollm,
  'step-smollm-all': stepSmollmAll,
  real: realGpt2,
  'real-smollm': realSmollm,
  generate,
  merge,
  switch: switchAdapter,
  load,
  grow,
};
