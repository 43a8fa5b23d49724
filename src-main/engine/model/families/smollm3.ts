/** SmolLM3 (Bakouch et al. 2025): Llama in which every fourth layer has no positions (NoPE, Yang et al. 2025). */
import type { ArchitectureSpec, FamilyRules, ModelConfig } from '../spec.ts';
import { badConfig, positiveInteger } from './fields.ts';
import { llamaFamily, llamaLike } from './llama.ts';

export const smollm3Family: FamilyRules = { ...llamaFamily, spec: smollm3Architecture };

function smollm3Architecture(config: ModelConfig): ArchitectureSpec {
  const layers = positiveInteger(config, 'num_hidden_layers');
  const turned = turnedLayers(config, layers);
  const windows = config['use_sliding_window'] === true;
  return {
    ...llamaLike(config, {
      maxPositions: 32768,
      theta: 2e6,
      tied: true,
      reads: ['no_rope_layers'],
      windowed: (layer) => windows && !turned[layer],
    }),
    family: 'smollm3',
    noRope: turned.flatMap((is, layer) => (is ? [] : [layer])),
  };
}

/** In `no_rope_layers` a 1 is a layer **with** positions. */
function turnedLayers(config: ModelConfig, layers: number): boolean[] {
  const named = config['no_rope_layers'] ?? undefined;
  const interval = positiveInteger(config, 'no_rope_layer_interval', 4);
  if (named === undefined) return Array.from({ length: layers }, (_, layer) => (layer + 1) % interval !== 0);
  if (!Array.isArray(named) || named.length < layers || named.some((one) => one !== 0 && one !== 1))
    throw badConfig('no_rope_layers', named, `a list of ${layers} times 0 or 1 is needed`);
  return named.slice(0, layers).map((one) => one === 1);
}
