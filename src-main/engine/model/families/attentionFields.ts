/** Fields of config.json about attention that several families share: heads and sliding windows. */
import type { ArchitectureSpec, ModelConfig } from '../spec.ts';
import { badConfig, positiveInteger } from './fields.ts';

/** Heads, key/value heads and their size; `usual` where fields are absent, else all of one kind and hidden/heads. */
export function headFields(
  config: ModelConfig,
  hidden: number,
  usual: { heads?: number; kvHeads?: number; headDim?: number | undefined } = {},
): { heads: number; kvHeads: number; headDim: number } {
  const heads = positiveInteger(config, 'num_attention_heads', usual.heads);
  const kvHeads = positiveInteger(config, 'num_key_value_heads', usual.kvHeads ?? heads);
  if (heads % kvHeads !== 0)
    throw badConfig('num_key_value_heads', kvHeads, `it must divide num_attention_heads = ${heads}`);
  return { heads, kvHeads, headDim: positiveInteger(config, 'head_dim', usual.headDim ?? hidden / heads) };
}

/**
 * The layers with a window: those that `layer_types` calls so (transformers 5 writes it), else those that `usual` says.
 * A window as long as the longest sequence is none.
 */
export function windowFields(
  config: ModelConfig,
  { layers, maxPositions, usual }: { layers: number; maxPositions: number; usual: (layer: number) => boolean },
): Pick<ArchitectureSpec, 'slidingWindow'> {
  const windowed = windowedLayers(config, layers, usual);
  if (config['sliding_window'] === null || !windowed.includes(true)) return {};
  const size = positiveInteger(config, 'sliding_window', 4096);
  return size < maxPositions
    ? { slidingWindow: { size, layers: windowed.flatMap((has, layer) => (has ? [layer] : [])) } }
    : {};
}

/** Of each layer whether it is one with a window, however long that is. */
export function windowedLayers(config: ModelConfig, layers: number, usual: (layer: number) => boolean): boolean[] {
  return layerTypes(config, layers) ?? Array.from({ length: layers }, (_, layer) => usual(layer));
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
