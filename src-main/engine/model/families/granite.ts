/** Granite 3 (IBM 2024): Llama with four factors, of the embeddings, the scores, what a block adds, and the logits. */
import type { ArchitectureSpec, FamilyRules, ModelConfig } from '../spec.ts';
import { numberAboveZero } from './fields.ts';
import { llamaFamily, llamaLike } from './llama.ts';

export const graniteFamily: FamilyRules = { ...llamaFamily, spec: graniteArchitecture };

const MULTIPLIERS = ['embedding_multiplier', 'attention_multiplier', 'residual_multiplier', 'logits_scaling'] as const;

function graniteArchitecture(config: ModelConfig): ArchitectureSpec {
  const [embeddingScale, attentionScale, residualScale, logitsScaling] = MULTIPLIERS.map((field) =>
    numberAboveZero(config, field, 1),
  ) as [number, number, number, number];
  return {
    ...llamaLike(config, { reads: MULTIPLIERS }),
    family: 'granite',
    embeddingScale,
    attentionScale,
    residualScale,
    logitsScaling,
  };
}
