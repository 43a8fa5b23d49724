/** How rotary positions are stretched, out of rope_scaling or rope_parameters; the formulas are in ropeScaling.ts. */
import type { ModelConfig, RopeScaling } from '../spec.ts';
import { ANOTHER_MODEL, badConfig, finiteNumber, positiveInteger } from './fields.ts';

/** What a family's config.json says about its rotary positions. */
export interface RopeOptions {
  /** How theta is called at the top, and what it is where no field says it. */
  thetaField?: string;
  usualTheta?: number;
  /** The family turns a part of each head (rotaryPart). */
  partial?: boolean;
  /** Floats of a head that turn. */
  dim: number;
  maxPositions: number;
  /** original_max_position_embeddings where it is not at the top, whatever is said elsewhere. */
  usualOriginal?: number;
  /** Other names of kinds of scaling. */
  aliases?: Readonly<Record<string, string>>;
}

/** The fields about rotary positions, and where they stand. */
export interface RopeParameters {
  field: string;
  fields: ModelConfig;
}

interface Reading extends RopeParameters {
  config: ModelConfig;
  options: RopeOptions;
}

const READERS: Record<string, (reading: Reading) => RopeScaling> = {
  linear: ({ fields }) => ({ type: 'linear', factor: above0(fields, 'factor') }),
  dynamic: ({ fields, options }) => ({
    type: 'dynamic',
    factor: above0(fields, 'factor'),
    originalMaxPositions: options.maxPositions,
  }),
  llama3: ({ fields }) => ({
    type: 'llama3',
    factor: above0(fields, 'factor', 8),
    lowFreqFactor: above0(fields, 'low_freq_factor', 1),
    highFreqFactor: above0(fields, 'high_freq_factor', 4),
    originalMaxPositions: positiveInteger(fields, 'original_max_position_embeddings', 8192),
  }),
  yarn,
  longrope,
};

export function readScaling(
  config: ModelConfig,
  { field, fields }: RopeParameters,
  options: RopeOptions,
): RopeScaling | undefined {
  const named = fields['rope_type'] ?? fields['type'] ?? 'default';
  const type = (typeof named === 'string' && options.aliases?.[named]) || named;
  if (type === 'default' || (type === 'linear' && fields['factor'] === 1)) return undefined;
  const read = typeof type === 'string' && Object.hasOwn(READERS, type) ? READERS[type] : undefined;
  if (read) return read({ config, field, fields, options });
  throw badConfig(
    `${field}.${'rope_type' in fields ? 'rope_type' : 'type'}`,
    type,
    `of the ways to stretch rotary positions to longer texts Graft computes ${Object.keys(READERS).join(', ')}, so ` +
      'this model would see other positions than it was trained with',
    ANOTHER_MODEL,
  );
}

/** The default of the attention factor is Peng et al. 2023, eq. 22; DeepSeek's two mscales make one of their own. */
function yarn({ config, field, fields, options }: Reading): RopeScaling {
  const originalMaxPositions = originalLength(config, { field, fields }, options);
  const factor = above0(fields, 'factor', options.maxPositions / originalMaxPositions);
  const mscale = (of: number): number => (factor <= 1 ? 1 : 0.1 * of * Math.log(factor) + 1);
  const [one, all] = [finiteNumber(fields, 'mscale', 0), finiteNumber(fields, 'mscale_all_dim', 0)];
  const usual = one && all ? mscale(one) / mscale(all) : mscale(1);
  return {
    type: 'yarn',
    factor,
    originalMaxPositions,
    betaFast: above0(fields, 'beta_fast', 32),
    betaSlow: above0(fields, 'beta_slow', 1),
    truncate: fields['truncate'] !== false,
    attentionFactor: above0(fields, 'attention_factor', usual),
  };
}

/** The default of the attention factor is that of Ding et al. 2024: sqrt(1 + ln(factor)/ln(original length)). */
function longrope({ config, field, fields, options }: Reading): RopeScaling {
  const originalMaxPositions = originalLength(config, { field, fields }, options);
  const ratio = options.maxPositions / originalMaxPositions;
  const factor = above0(fields, 'factor', ratio);
  if (factor !== ratio && config['original_max_position_embeddings'] !== undefined)
    throw badConfig(
      `${field}.factor`,
      factor,
      `max_position_embeddings is ${ratio} times original_max_position_embeddings, and programs do not agree on ` +
        'which of the two counts',
      'correct the one that is wrong',
    );
  const usual = factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(originalMaxPositions));
  return {
    type: 'longrope',
    shortFactors: divisors(field, fields, 'short_factor', options.dim / 2),
    longFactors: divisors(field, fields, 'long_factor', options.dim / 2),
    originalMaxPositions,
    attentionFactor: above0(fields, 'attention_factor', usual),
  };
}

/** What is at the top wins, as in transformers 5. */
function originalLength(config: ModelConfig, { fields }: RopeParameters, options: RopeOptions): number {
  const inside = positiveInteger(fields, 'original_max_position_embeddings', options.maxPositions);
  return positiveInteger(config, 'original_max_position_embeddings', options.usualOriginal ?? inside);
}

function divisors(field: string, fields: ModelConfig, name: string, length: number): number[] {
  const values = fields[name];
  const fits =
    Array.isArray(values) &&
    values.length === length &&
    values.every((value) => typeof value === 'number' && Number.isFinite(value) && value > 0);
  if (!fits) throw badConfig(`${field}.${name}`, values, `a list of ${length} numbers above 0 is needed`);
  return values as number[];
}

function above0(fields: ModelConfig, name: string, usual = NaN): number {
  const value = finiteNumber(fields, name, usual);
  if (value <= 0) throw badConfig(name, value, 'a number above 0 is needed');
  return value;
}
