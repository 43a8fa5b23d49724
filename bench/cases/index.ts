/** All cases by name, in the order of `all`. */
import type { Context } from '../lib/context.ts';
import type { CaseResult } from '../lib/result.ts';
import { stepGpt2, stepSmollm, stepSmollmAll } from './step.ts';

export const CASES: Record<string, (context: Context) => Promise<CaseResult>> = {
  'step-gpt2': stepGpt2,
  'step-smollm': stepSmollm,
  'step-smollm-all': stepSmollmAll,
};
