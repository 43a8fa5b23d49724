/** The options that name a fine-tuning method and its settings, for `train` and `params`. */
import { TARGETS } from '../../../src-shared/targets.ts';
import { usageError } from '../../../src-shared/errors.ts';
import { methodSchema, type MethodSettings } from '../../../src-shared/methodSettings.ts';
import type { Args, Options } from './args.ts';

const METHODS = ['lora', 'lokr', 'loha', 'full', 'bitfit', 'adapter', 'prefix'] as const;
type MethodName = (typeof METHODS)[number];

export const METHOD_OPTIONS: Options = {
  method: { type: 'string', value: 'NAME', help: `${METHODS.join(', ')} (lora)` },
  rank: { type: 'string', value: 'N', help: 'rank of the adapter (8)' },
  alpha: { type: 'string', value: 'X', help: 'the update is scaled by alpha / rank (lora 16, lokr and loha 8)' },
  targets: {
    type: 'string',
    value: 'A,B',
    help: `matrices to adapt, out of ${TARGETS.join(', ')} (q,v, or qkv where the model has only that)`,
  },
  layers: { type: 'string', value: 'LIST', help: 'layers that take part, such as 0,1 or 6-11 (all)' },
  exclude: { type: 'string', value: 'LIST', help: 'single matrices left out, such as 0.q,3.v' },
  'rank-pattern': { type: 'string', value: 'LIST', help: 'ranks of single matrices, such as q=4,3.v=16' },
  'alpha-pattern': { type: 'string', value: 'LIST', help: 'alphas of single matrices, such as q=8,3.v=32' },
  rslora: { type: 'boolean', help: 'scale by alpha / sqrt(rank)' },
  dora: { type: 'boolean', help: 'train a magnitude per output beside the direction (DoRA)' },
  bias: { type: 'string', value: 'WHICH', help: 'biases trained along: none, lora_only or all (none)' },
  'lora-plus-ratio': { type: 'string', value: 'X', help: 'B learns this many times faster than A (1)' },
  init: { type: 'string', value: 'NAME', help: 'start: kaiming, gaussian or pissa (kaiming)' },
  dropout: { type: 'string', value: 'X', help: 'dropout before A (0)' },
  factor: { type: 'string', value: 'N', help: 'size of the left factor of lokr (as square as possible)' },
  kind: {
    type: 'string',
    value: 'NAME',
    help: 'adapter: houlsby, lin or pfeiffer (houlsby); prefix: embedding, layer or key-value (key-value)',
  },
  bottleneck: { type: 'string', value: 'N', help: 'width of an adapter layer (16)' },
  'skip-layers': { type: 'string', value: 'N', help: 'lowest layers without an adapter layer (0)' },
  'prefix-length': { type: 'string', value: 'N', help: 'virtual tokens in front of the input (8)' },
  'infix-length': { type: 'string', value: 'N', help: 'virtual tokens between prompt and answer (0)' },
};

/** Options beside --method that belong to each. */
const OWN: Record<MethodName, readonly string[]> = {
  lora: [
    'rank',
    'alpha',
    'targets',
    'layers',
    'exclude',
    'rank-pattern',
    'alpha-pattern',
    'rslora',
    'dora',
    'bias',
    'lora-plus-ratio',
    'init',
    'dropout',
  ],
  lokr: ['rank', 'alpha', 'targets', 'layers', 'exclude', 'factor'],
  loha: ['rank', 'alpha', 'targets', 'layers', 'exclude'],
  full: ['layers'],
  bitfit: [],
  adapter: ['kind', 'bottleneck', 'skip-layers'],
  prefix: ['kind', 'prefix-length', 'infix-length'],
};

/** Throws a usage error for wrong values, and for options of another method. */
export function readMethod(args: Args): MethodSettings {
  const type = args.choice('method', METHODS) ?? 'lora';
  refuseOthers(args, type);
  return methodSchema.parse({
    type,
    rank: args.integer('rank'),
    alpha: args.number('alpha'),
    targets: args.list('targets', TARGETS),
    layers: args.ranges('layers', 'layers counted from 0, such as 0,1 or 6-11'),
    exclude: args
      .text('exclude')
      ?.split(',')
      .map((name) => name.trim()),
    rankPattern: readPattern(args, 'rank-pattern'),
    alphaPattern: readPattern(args, 'alpha-pattern'),
    rslora: args.flag('rslora') || undefined,
    dora: args.flag('dora') || undefined,
    bias: args.choice('bias', ['none', 'lora_only', 'all']),
    loraPlusRatio: args.number('lora-plus-ratio'),
    init: args.choice('init', ['kaiming', 'gaussian', 'pissa']),
    dropout: args.number('dropout'),
    factor: args.integer('factor'),
    kind: args.choice('kind', type === 'prefix' ? ['embedding', 'layer', 'key-value'] : ['houlsby', 'lin', 'pfeiffer']),
    bottleneck: args.integer('bottleneck'),
    skipLayers: args.integer('skip-layers'),
    prefixLength: args.integer('prefix-length'),
    infixLength: args.integer('infix-length'),
  });
}

/**
 * The method for a model with these targets: where none were asked for and there is no q, the fused matrix takes the
 * place of q and v.
 */
export function fitTargets(args: Args, method: MethodSettings, available: readonly string[]): MethodSettings {
  const fits = !('targets' in method) || args.text('targets') !== undefined || available.includes('q');
  return fits ? method : { ...method, targets: ['qkv'] };
}

function refuseOthers(args: Args, type: MethodName): void {
  const strange = Object.keys(METHOD_OPTIONS).find(
    (name) => name !== 'method' && args.raw[name] !== undefined && !OWN[type].includes(name),
  );
  if (strange === undefined) return;
  const owners = METHODS.filter((method) => OWN[method].includes(strange));
  throw usageError(
    'BAD_USAGE',
    `--${strange} does not belong to the method ${type}; leave it out or choose --method ${owners.join(' or ')}.`,
    { option: strange, method: type },
  );
}

/** `q=4,3.v=16`. */
function readPattern(args: Args, name: 'rank-pattern' | 'alpha-pattern'): Record<string, number> | undefined {
  const text = args.text(name);
  if (text === undefined) return undefined;
  return Object.fromEntries(
    text.split(',').map((part) => {
      const [key = '', value = '', more] = part.split('=').map((piece) => piece.trim());
      if (key === '' || value === '' || more !== undefined || !Number.isFinite(Number(value))) {
        throw usageError(
          'BAD_USAGE',
          `--${name} "${text}" is not valid; give matrices and numbers, such as q=4,3.v=16.`,
          { option: name, got: text },
        );
      }
      return [key, Number(value)];
    }),
  );
}
