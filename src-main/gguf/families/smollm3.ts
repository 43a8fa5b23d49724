/** SmolLM3: as Llama; llama.cpp leaves the positions of every fourth layer out by itself. */
import type { ArchitectureSpec } from '../../engine/model/architecture.ts';
import type { GgufFamily } from './family.ts';
import { llamaGguf } from './llama.ts';
import { scalingRefusal } from './ropeScaling.ts';

export const smollm3Gguf: GgufFamily = {
  ...llamaGguf,
  architecture: 'smollm3',
  refusal: (spec, config) => {
    if (!hasUsualLayers(spec)) return 'takes every fourth layer of SmolLM3 for one without positions';
    if (config['attention_bias'] === true || config['mlp_bias'] === true) return 'has no biases in SmolLM3';
    return scalingRefusal(spec, 'SmolLM3', ['linear', 'yarn']);
  },
};

function hasUsualLayers({ noRope = [], layers }: ArchitectureSpec): boolean {
  return Array.from({ length: layers }, (_, layer) => noRope.includes(layer) === ((layer + 1) % 4 === 0)).every(
    Boolean,
  );
}
