/** Fields of config.json about attention that several families share: heads, sliding windows, rotary positions. */
import type { ArchitectureSpec, ModelConfig, RopeScaling } from '../spec.ts';
import { shownValue } from '../../../../src-shared/shownValue.ts';
import { ANOTHER_MODEL, badConfig, finiteNumber, positiveInteger } from './fields.ts';

/** Heads, key/value heads and their size, with hidden/heads as the usual size. */
export function headFields(
  config: ModelConfig,
  hidden: number,
  usualHeadDim?: number,
): { heads: number; kvHeads: number; headDim: number } {
  const heads = positiveInteger(config, 'num_attention_heads');
  const kvHeads = positiveInteger(config, 'num_key_value_heads', heads);
  if (heads % kvHeads !== 0)
    throw badConfig('num_key_value_heads', kvHeads, `it must divide num_attention_heads = ${heads}`);
  return { heads, kvHeads, headDim: positiveInteger(config, 'head_dim', usualHeadDim ?? hidden / heads) };
}

/**
 * The layers with a window: those that `layer_types` calls so (transformers 5 writes it), else those that `usual` says.
 * A window as long as the longest sequence is none.
 */
export function windowFields(
  config: ModelConfig,
  { layers, maxPositions, usual }: { layers: number; maxPositions: number; usual: (layer: number) => boolean },
): Pick<ArchitectureSpec, 'slidingWindow'> {
  const windowed = layerTypes(config, layers) ?? Array.from({ length: layers }, (_, layer) => usual(layer));
  if (config['sliding_window'] === null || !windowed.includes(true)) return {};
  const size = positiveInteger(config, 'sliding_window', 4096);
  return size < maxPositions
    ? { slidingWindow: { size, layers: windowed.flatMap((has, layer) => (has ? [layer] : [])) } }
    : {};
}

function layerTypes(config: ModelConfig, layers: number): boolean[] | undefined {
  const types = config['layer_types'];
  if (types === undefined || types === null) return undefined;
  const known =
    Array.isArray(types) &&
    types.length === layers &&
    types.every((type) => type === 'full_attention' || type === 'sliding_attention');
  if (!known)
    throw badConfig(
      'layer_types',
      types,
      `a list of ${layers} times "full_attention" or "sliding_attention" is needed`,
    );
  return types.map((type) => type === 'sliding_attention');
}

/**
 * Rotary positions as transformers 5 puts its own fields and those of transformers 4 together: rope_scaling, where it
 * is there, stands for all of rope_parameters, and a theta that it lacks is the one at the top. `thetaField`: how that
 * is called; `partial`: the family turns a part of each head (rotaryPart).
 */
export function ropeFields(
  config: ModelConfig,
  { thetaField = 'rope_theta', partial = false } = {},
): Pick<ArchitectureSpec, 'ropeTheta' | 'ropeScaling'> {
  const { field, fields } = ropeParameters(config);
  for (const [name, value] of Object.entries(fields)) checkRopeField(`${field}.${name}`, name, value, partial);
  const ropeTheta = finiteNumber(config, thetaField, 10000);
  const own = finiteNumber(fields, 'rope_theta', ropeTheta);
  if (own <= 0) throw badConfig('rope_theta', own, 'a number above 0 is needed');
  const ropeScaling = readScaling(fields, field);
  return { ropeTheta: own, ...(ropeScaling ? { ropeScaling } : {}) };
}

/** The fields about rotary positions, and where they stand. */
function ropeParameters(config: ModelConfig): { field: string; fields: ModelConfig } {
  for (const field of ['rope_scaling', 'rope_parameters']) {
    const value = config[field];
    if (value === null || value === undefined) continue;
    if (typeof value !== 'object' || Array.isArray(value)) throw badConfig(field, value, 'an object is needed');
    // An empty one counts as none.
    if (Object.keys(value).length > 0) return { field, fields: value as ModelConfig };
  }
  return { field: 'rope_parameters', fields: {} };
}

const ROPE_FIELDS = [
  'rope_type',
  'type',
  'rope_theta',
  'factor',
  'low_freq_factor',
  'high_freq_factor',
  'original_max_position_embeddings',
];
/** Of other types than those that are computed, and without meaning for these. */
const IDLE_ROPE_FIELDS = [
  'attention_factor',
  'beta_fast',
  'beta_slow',
  'long_factor',
  'mscale',
  'mscale_all_dim',
  'short_factor',
  'truncate',
];

function checkRopeField(place: string, name: string, value: unknown, partial: boolean): void {
  if (value === null || ROPE_FIELDS.includes(name) || IDLE_ROPE_FIELDS.includes(name)) return;
  if (name === 'partial_rotary_factor' && (partial || value === 1)) return;
  const why = name.endsWith('_attention')
    ? 'Graft turns the positions of all layers in the same way'
    : 'Graft does not compute what this field asks for';
  throw badConfig(place, value, why, ANOTHER_MODEL);
}

function readScaling(fields: ModelConfig, field: string): RopeScaling | undefined {
  const type = fields['rope_type'] ?? fields['type'] ?? 'default';
  if (type === 'default' || (type === 'linear' && fields['factor'] === 1)) return undefined;
  if (type !== 'llama3')
    throw badConfig(
      `${field}.${'rope_type' in fields ? 'rope_type' : 'type'}`,
      type,
      'of the ways to stretch rotary positions to longer texts Graft computes only "llama3", so this model would ' +
        'see other positions than it was trained with',
      ANOTHER_MODEL,
    );
  return {
    type: 'llama3',
    factor: above0(fields, 'factor', 8),
    lowFreqFactor: above0(fields, 'low_freq_factor', 1),
    highFreqFactor: above0(fields, 'high_freq_factor', 4),
    originalMaxPositions: positiveInteger(fields, 'original_max_position_embeddings', 8192),
  };
}

function above0(fields: ModelConfig, name: string, usual: number): number {
  const value = finiteNumber(fields, name, usual);
  if (value <= 0) throw badConfig(name, value, 'a number above 0 is needed');
  return value;
}

/** How much of each head turns; `usual` where no field says it. Only the first `rotaryDim` floats do. */
export function rotaryPart(
  config: ModelConfig,
  headDim: number,
  { field, usual }: { field: string; usual: number },
): Pick<ArchitectureSpec, 'rotaryDim'> {
  const five = ropeParameters(config).fields['partial_rotary_factor'] ?? undefined;
  const own = config[field] ?? undefined;
  if (five !== undefined && own !== undefined && five !== own)
    throw badConfig(field, own, `rope_parameters says ${shownValue(five)}`, 'correct the one that is wrong');
  const share = five ?? own ?? usual;
  const rotaryDim = typeof share === 'number' ? Math.trunc(headDim * share) : NaN;
  if (!(rotaryDim >= 2 && rotaryDim <= headDim && rotaryDim % 2 === 0))
    throw badConfig(field, share, `that part of ${headDim} floats per head must be an even number of at least 2`);
  return rotaryDim === headDim ? {} : { rotaryDim };
}
