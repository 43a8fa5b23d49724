/** LoRA (Hu et al. 2021) and what grew on it: rsLoRA, DoRA, PiSSA, EVA, LoRA-GA, LoRA+. */
import { z } from 'zod';
import { ALL_LINEAR, ALPHA_SETTING, lowRankText, pairsOf, RANK_SETTING, TARGET_SETTINGS } from './matrices.ts';
import { defineMethod, sizeOf, sum, type MethodSettingTable, type ModelShape } from './method.ts';

const patternSetting = {
  schema: z.record(z.string(), z.number().positive()).optional(),
  value: 'LIST',
  place: 'grid',
  form: 'matrices and numbers, such as q=4,3.v=16',
} as const;

const settings = {
  rank: RANK_SETTING,
  alpha: ALPHA_SETTING,
  ...TARGET_SETTINGS,
  rankPattern: {
    ...patternSetting,
    schema: z.record(z.string(), z.number().int().min(1)).optional(),
    label: 'Ranks of single matrices',
    help: 'Ranks of single matrices, by target or by layer and target, such as q=4,3.v=16.',
    flag: 'rank-pattern',
  },
  alphaPattern: {
    ...patternSetting,
    label: 'Alphas of single matrices',
    help: 'Alphas of single matrices, by target or by layer and target, such as q=8,3.v=32.',
    flag: 'alpha-pattern',
  },
  dropout: {
    schema: z.number().min(0).max(0.95).default(0),
    label: 'Dropout',
    help: "Share of the adapter's inputs left out at random while training; helps on small data.",
    flag: 'dropout',
    value: 'X',
    place: 'more',
  },
  bias: {
    schema: z.enum(['none', 'lora_only', 'all']).optional(),
    label: 'Biases',
    help: 'Whether biases of the base are trained along.',
    flag: 'bias',
    value: 'WHICH',
    choices: { none: 'None', lora_only: 'Of adapted layers', all: 'All' },
    place: 'more',
    placeholder: 'none',
  },
  loraPlusRatio: {
    schema: z.number().positive().optional(),
    label: 'LoRA+ ratio',
    help: 'B learns this many times faster than A (LoRA+); 16 is usual.',
    flag: 'lora-plus-ratio',
    value: 'X',
    place: 'more',
    placeholder: '1',
  },
  init: {
    schema: z.enum(['gaussian', 'kaiming', 'pissa', 'eva', 'lora-ga']).default('kaiming'),
    label: 'Start',
    help:
      'How A and B begin. Kaiming as PEFT, Gaussian as the paper (B is zero in both), PiSSA with the principal ' +
      'vectors of the base, EVA with those of what each matrix reads, LoRA-GA with those of the first gradient; the ' +
      'last two look at some of the data first.',
    flag: 'init',
    value: 'NAME',
    choices: { kaiming: 'Kaiming', gaussian: 'Gaussian', pissa: 'PiSSA', eva: 'EVA', 'lora-ga': 'LoRA-GA' },
    place: 'more',
  },
  evaRho: {
    schema: z.number().min(1).max(8).optional(),
    label: 'EVA: most ranks',
    help:
      'How many times the rank one matrix may get where EVA starts; ranks then move to where the data varies most, ' +
      'their sum stays.',
    flag: 'eva-rho',
    value: 'X',
    place: 'more',
    placeholder: '1',
  },
  dora: {
    schema: z.boolean().optional(),
    label: 'DoRA',
    help: 'Trains a magnitude per output beside the direction.',
    flag: 'dora',
    place: 'more',
  },
  rslora: {
    schema: z.boolean().optional(),
    label: 'Rank-stabilised scale',
    help: 'alpha / √rank: higher ranks keep learning.',
    flag: 'rslora',
    place: 'more',
  },
} as const satisfies MethodSettingTable;

export const lora = defineMethod({
  type: 'lora',
  name: 'LoRA',
  line: 'Two thin matrices beside each chosen one: small, fast, and merged without a trace.',
  settings,
  describe: (method) => ({
    name: nameOf(method),
    details: [
      ...lowRankText(method),
      ...patternText('rank', method.rankPattern),
      ...patternText('alpha', method.alphaPattern),
      ...(hasBiases(method) ? [method.bias === 'all' ? 'all biases' : 'biases of adapted layers'] : []),
      ...(method.loraPlusRatio ? [`LoRA+ ${method.loraPlusRatio}`] : []),
    ].join(', '),
  }),
  trainable: ({ dora, bias = 'none' }, { matrices, tensors }) => {
    const low = pairsOf(matrices, 1);
    const magnitudes = dora ? sum(matrices.map(({ outFeatures }) => outFeatures)) : 0;
    const names = biasesBeside(matrices, tensors, bias);
    const biases = sizeOf(names, tensors);
    return {
      count: low.count + magnitudes + biases,
      formula: [
        low.formula,
        ...(magnitudes ? [`${magnitudes} magnitudes, one per output`] : []),
        ...(biases ? [`${biases} in ${names.length} biases`] : []),
      ].join(' + '),
    };
  },
  targets: { ...ALL_LINEAR, nothingElse: (method) => !hasBiases(method) },
  void: ({ init }) => (init === 'eva' ? [] : ['evaRho']),
  classifies: true,
  notAdditive: (method) =>
    method.dora ? 'is a DoRA, which rescales the weights' : hasBiases(method) ? 'replaces biases' : undefined,
  batched: (method) => !method.dora && !hasBiases(method),
});
export type LoraSettings = z.infer<typeof lora.schema>;

type Kind = { dora?: boolean | undefined; rslora?: boolean | undefined; init: string };

function nameOf({ dora, rslora, init }: Kind): string {
  const kind = dora ? 'DoRA' : init === 'pissa' ? 'PiSSA' : init === 'lora-ga' ? 'LoRA-GA' : 'LoRA';
  const name = rslora ? `rs${kind}` : kind;
  return init === 'eva' ? `${name} from EVA` : name;
}

function hasBiases({ bias = 'none' }: { bias?: 'none' | 'lora_only' | 'all' | undefined }): boolean {
  return bias !== 'none';
}

function patternText(name: string, values: Record<string, number> = {}): string[] {
  return Object.entries(values).map(([key, value]) => `${name} ${value} on ${key}`);
}

function biasesBeside(
  matrices: ModelShape['matrices'],
  tensors: ModelShape['tensors'],
  which: 'none' | 'all' | 'lora_only',
): string[] {
  if (which === 'none') return [];
  const own = new Set(matrices.map(({ bias }) => bias));
  return [...tensors.keys()].filter((name) => name.endsWith('bias') && (which === 'all' || own.has(name)));
}
