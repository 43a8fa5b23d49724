/**
 * Gemma 3: the 1 that transformers adds to the weight of a norm is in the file already. llama.cpp knows the factor of
 * the scores by the model's size, so what a checkpoint has beside that goes into the norm of the queries. Of a
 * multimodal release the file holds the text part.
 */
import type { ArchitectureSpec } from '../../engine/model/architecture.ts';
import { float32, uint32, type GgufValue } from '../header.ts';
import type { Change, GgufFamily } from './family.ts';
import { LLAMA_BLOCK } from './llama.ts';
import { scalingRefusal } from './ropeScaling.ts';

export const gemma3Gguf: GgufFamily = {
  architecture: 'gemma3',
  top: { embed_tokens: 'token_embd', norm: 'output_norm' },
  block: {
    ...LLAMA_BLOCK,
    'self_attn.q_norm': 'attn_q_norm',
    'self_attn.k_norm': 'attn_k_norm',
    post_attention_layernorm: 'post_attention_norm',
    pre_feedforward_layernorm: 'ffn_norm',
    post_feedforward_layernorm: 'post_ffw_norm',
  },
  change,
  metadata,
  refusal: (spec, config) => {
    if (!spec.tiedHead) return 'knows no Gemma 3 with a head of its own';
    if (config['attention_bias'] === true) return 'has no biases in Gemma 3’s attention';
    if (spec.attentionCap !== undefined || spec.logitCap !== undefined) return 'does not cap the scores of Gemma 3';
    if (spec.localRope?.scaling) return 'does not stretch the positions in the windows of Gemma 3';
    if (patternOf(spec) === undefined) return 'has windows in the layers of Gemma 3 by a fixed pattern only';
    return scalingRefusal(spec, 'Gemma 3', ['linear']);
  },
};

function change(gguf: string, spec: ArchitectureSpec): Change | undefined {
  if (!gguf.endsWith('norm.weight')) return undefined;
  const factor = gguf === 'attn_q_norm.weight' ? queryFactor(spec) : 1;
  return { type: 'plus', term: 1, ...(factor === 1 ? {} : { factor }) };
}

/** What is left of the scores' factor after llama.cpp's own; exactly 1 in the published models. */
function queryFactor({ attentionScale = 1, layers, hidden, heads, headDim }: ArchitectureSpec): number {
  const factor = attentionScale * Math.sqrt(layers === LAYERS_OF_27B ? hidden / heads : headDim);
  return Math.abs(factor - 1) < 1e-12 ? 1 : factor;
}

const LAYERS_OF_27B = 62;

function metadata(spec: ArchitectureSpec): Record<string, GgufValue> {
  const { slidingWindow, maxPositions, localRope } = spec;
  return {
    'attention.sliding_window': uint32(slidingWindow?.size ?? maxPositions),
    'attention.sliding_window_pattern': uint32(patternOf(spec)!),
    'rope.freq_base_swa': float32(localRope!.theta),
  };
}

/** Every how many layers one sees everything; undefined where that follows no pattern. */
function patternOf({ localRope, layers }: ArchitectureSpec): number | undefined {
  const local = localRope!.layers;
  const first = Array.from({ length: layers }, (_, layer) => layer).find((layer) => !local.includes(layer));
  const pattern = (first ?? layers) + 1;
  const fits = Array.from({ length: layers }, (_, layer) => local.includes(layer) === ((layer + 1) % pattern !== 0));
  return fits.every(Boolean) ? pattern : undefined;
}
