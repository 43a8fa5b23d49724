/**
 * Gemma 2: the 1 that transformers adds to the weight of a norm is in the file already. llama.cpp knows the factor of
 * the scores by the model's size, so what a checkpoint has beside that goes into the queries.
 */
import type { ArchitectureSpec, ModelConfig } from '../../engine/model/architecture.ts';
import { float32, uint32 } from '../header.ts';
import type { Change, GgufFamily } from './family.ts';
import { LLAMA_BLOCK } from './llama.ts';

export const gemma2Gguf: GgufFamily = {
  architecture: 'gemma2',
  top: { embed_tokens: 'token_embd', norm: 'output_norm' },
  block: {
    ...LLAMA_BLOCK,
    post_attention_layernorm: 'post_attention_norm',
    pre_feedforward_layernorm: 'ffn_norm',
    post_feedforward_layernorm: 'post_ffw_norm',
  },
  change,
  metadata: (spec, config) => ({
    attn_logit_softcapping: float32(spec.attentionCap ?? NO_CAP),
    final_logit_softcapping: float32(spec.logitCap ?? NO_CAP),
    'attention.sliding_window': uint32(windowSize(spec, config)),
  }),
  refusal: (spec, config) => {
    if (!spec.tiedHead) return 'knows no Gemma 2 with a head of its own';
    if (spec.ropeScaling) return 'does not scale the rotary positions of Gemma 2';
    if (config['attention_bias'] === true) return 'has no bias on the output of Gemma 2’s attention';
    if (hasUsualWindows(spec)) return undefined;
    return 'takes every other layer of Gemma 2, from the first on, for one with a sliding window';
  },
};

/** c·tanh(s/c) is s to float32 for all s that occur. */
const NO_CAP = 1e6;

function change(gguf: string, spec: ArchitectureSpec): Change | undefined {
  if (gguf.endsWith('norm.weight')) return { type: 'plus', term: 1 };
  const factor = queryFactor(spec);
  return gguf === 'attn_q.weight' && factor !== 1 ? { type: 'times', factor } : undefined;
}

/** What is left of the scores' factor after llama.cpp's own; exactly 1 in the published models. */
function queryFactor({ attentionScale = 1, layers, hidden, heads, headDim }: ArchitectureSpec): number {
  const own = 1 / Math.sqrt(layers === LAYERS_OF_27B ? hidden / heads : headDim);
  const factor = attentionScale / own;
  return Math.abs(factor - 1) < 1e-12 ? 1 : factor;
}

const LAYERS_OF_27B = 46;

function windowSize({ slidingWindow, maxPositions }: ArchitectureSpec, config: ModelConfig): number {
  if (slidingWindow) return slidingWindow.size;
  const size = config['sliding_window'];
  return typeof size === 'number' ? size : maxPositions;
}

function hasUsualWindows({ slidingWindow, layers }: ArchitectureSpec): boolean {
  if (!slidingWindow) return true;
  const windowed = new Set(slidingWindow.layers);
  return Array.from({ length: layers }, (_, layer) => windowed.has(layer) === (layer % 2 === 0)).every(Boolean);
}
