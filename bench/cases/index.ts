/** All cases by name, in the order of `all`. */
import type { Context } from '../lib/context.ts';
import type { CaseResult } from '../lib/result.ts';
import { full } from './full.ts';
import { generate } from './generate.ts';
import { grow } from './grow.ts';
import { kernels } from './kernels.ts';
import { load } from './load.ts';
import { long } from './long.ts';
import { merge } from './merge.ts';
import { pack } from './pack.ts';
import { realGpt2, realSmollm } from './real.ts';
import { sizes } from './sizes.ts';
import { start } from './start.ts';
import { stepGpt2, stepSmollm, stepSmollmAll, stepSmollmLarge } from './step.ts';
import { switchAdapter } from './switch.ts';

type Case = (context: Context) => Promise<CaseResult>;

/** What `all` means. */
export const CASES: Record<string, Case> = {
  'step-gpt2': stepGpt2,
  'step-smollm': stepSmollm,
  'step-smollm-all': stepSmollmAll,
  real: realGpt2,
  'real-smollm': realSmollm,
  full,
  generate,
  merge,
  switch: switchAdapter,
  load,
  start,
  grow,
};

/** By name only: they ask for a graphics card, or for hours and tens of gigabytes. */
export const NAMED_CASES: Record<string, Case> = {
  'step-smollm-8192': stepSmollmLarge,
  kernels,
  sizes,
  long,
  pack,
};
