/** Granite 3: Llama with its four factors among the keys. */
import { float32 } from '../header.ts';
import type { GgufFamily } from './family.ts';
import { llamaGguf } from './llama.ts';
import { scalingRefusal } from './ropeScaling.ts';

export const graniteGguf: GgufFamily = {
  ...llamaGguf,
  architecture: 'granite',
  metadata: ({ attentionScale = 1, embeddingScale = 1, residualScale = 1, logitsScaling = 1 }) => ({
    'attention.scale': float32(attentionScale),
    embedding_scale: float32(embeddingScale),
    residual_scale: float32(residualScale),
    logit_scale: float32(logitsScaling),
  }),
  refusal: (spec) => {
    if (spec.headDim * spec.heads !== spec.hidden) return 'knows no Granite whose heads are wider than the model';
    return scalingRefusal(spec, 'Granite', ['linear', 'llama3', 'yarn']);
  },
};
