/** Fields of config.json about attention that several families share: heads, sliding windows, rotary positions. */
import type { ArchitectureSpec, ModelConfig, RopeScaling } from '../spec.ts';
import { badConfig, finiteNumber, positiveInteger } from './fields.ts';

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
 * transformers 4 writes rope_theta and rope_scaling, transformers 5 both into rope_parameters. `thetaField`: the
 * former's name.
 */
export function ropeFields(
  config: ModelConfig,
  thetaField = 'rope_theta',
): Pick<ArchitectureSpec, 'ropeTheta' | 'ropeScaling'> {
  const parameters = config['rope_parameters'];
  const five = parameters !== null && typeof parameters === 'object';
  const ropeTheta = five
    ? finiteNumber(parameters as ModelConfig, 'rope_theta', 10000)
    : finiteNumber(config, thetaField, 10000);
  const field = five ? 'rope_parameters' : 'rope_scaling';
  const ropeScaling = readScaling(config[field], field);
  return { ropeTheta, ...(ropeScaling ? { ropeScaling } : {}) };
}

function readScaling(scaling: unknown, field: string): RopeScaling | undefined {
  if (scaling === null || scaling === undefined) return undefined;
  if (typeof scaling !== 'object') throw badConfig(field, scaling, 'an object is needed');
  const fields = scaling as ModelConfig;
  const type = fields['rope_type'] ?? fields['type'] ?? 'default';
  if (type === 'default') return undefined;
  if (type !== 'llama3')
    throw badConfig(
      `${field}.${'rope_type' in fields ? 'rope_type' : 'type'}`,
      type,
      'Graft supports only "default" and "llama3"',
    );
  return {
    type: 'llama3',
    factor: finiteNumber(fields, 'factor', 8),
    lowFreqFactor: finiteNumber(fields, 'low_freq_factor', 1),
    highFreqFactor: finiteNumber(fields, 'high_freq_factor', 4),
    originalMaxPositions: positiveInteger(fields, 'original_max_position_embeddings', 8192),
  };
}

/** How much of each head turns; `usual` where no field says it. Only the first `rotaryDim` floats do. */
export function rotaryPart(
  config: ModelConfig,
  headDim: number,
  { field, usual }: { field: string; usual: number },
): Pick<ArchitectureSpec, 'rotaryDim'> {
  const parameters = config['rope_parameters'];
  const five =
    parameters !== null && typeof parameters === 'object'
      ? (parameters as ModelConfig)['partial_rotary_factor']
      : undefined;
  const share = five ?? config[field] ?? usual;
  const rotaryDim = typeof share === 'number' ? Math.trunc(headDim * share) : NaN;
  if (!(rotaryDim >= 2 && rotaryDim <= headDim && rotaryDim % 2 === 0))
    throw badConfig(field, share, `that part of ${headDim} floats per head must be an even number of at least 2`);
  return rotaryDim === headDim ? {} : { rotaryDim };
}
