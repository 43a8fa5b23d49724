/**
 * Gemma 2 (Gemma Team 2024): Llama's linear layers; RMSNorms that multiply by 1 + weight, before and after attention
 * and MLP; embeddings times sqrt(hidden); capped scores and logits; every other layer sees a sliding window; GELU gate.
 */
import type { ArchitectureSpec, FamilyRules, ModelConfig } from '../spec.ts';
import { headFields, windowFields } from './attentionFields.ts';
import {
  badConfig,
  capField,
  finiteNumber,
  layerCount,
  numberAboveZero,
  positiveInteger,
  refuseOtherMaths,
  requireOneOf,
  textEnds,
} from './fields.ts';
import { llamaFamily, llamaModules } from './llama.ts';
import { ropeFields } from './ropeFields.ts';

export const gemma2Family: FamilyRules = {
  spec: gemma2Architecture,
  modules: llamaModules,
  names: {
    embedding: 'embed_tokens.weight',
    head: 'lm_head.weight',
    blocks: 'layers',
    beforeAttention: 'input_layernorm',
    afterAttention: 'post_attention_layernorm',
    beforeMlp: 'pre_feedforward_layernorm',
    afterMlp: 'post_feedforward_layernorm',
    finalNorm: 'norm',
  },
  biasRequired: llamaFamily.biasRequired,
};

function gemma2Architecture(config: ModelConfig): ArchitectureSpec {
  const hidden = positiveInteger(config, 'hidden_size');
  const layers = layerCount(config, 'num_hidden_layers');
  const heads = headFields(config, hidden, { headDim: 256 });
  if (heads.headDim % 2 !== 0) throw badConfig('head_dim', heads.headDim, 'rotary positions need an even number');
  for (const field of ['hidden_activation', 'hidden_act'])
    requireOneOf(config, field, ['gelu_pytorch_tanh', 'gelu_new']);
  requireOneOf(config, 'tie_word_embeddings', [true, false]);
  refuseOtherMaths(config, ['query_pre_attn_scalar', 'attn_logit_softcapping', 'final_logit_softcapping']);
  const maxPositions = positiveInteger(config, 'max_position_embeddings', 8192);
  return {
    family: 'gemma2',
    layers,
    hidden,
    ...heads,
    intermediate: positiveInteger(config, 'intermediate_size'),
    vocab: positiveInteger(config, 'vocab_size'),
    norm: 'rms',
    normEps: finiteNumber(config, 'rms_norm_eps', 1e-6),
    normPlusOne: true,
    postNorms: true,
    positions: 'rotary',
    ...ropeFields(config, { dim: heads.headDim, maxPositions }),
    ...windowFields(config, { layers, maxPositions, usual: (layer) => layer % 2 === 0 }),
    attentionScale: 1 / Math.sqrt(numberAboveZero(config, 'query_pre_attn_scalar', 256)),
    ...capField('attentionCap', config, 'attn_logit_softcapping', 50),
    ...capField('logitCap', config, 'final_logit_softcapping', 30),
    embeddingScale: Math.fround(Math.sqrt(hidden)),
    mlp: 'geglu',
    tiedHead: config['tie_word_embeddings'] !== false,
    layout: 'out_in',
    prefix: 'model.',
    ...textEnds(config),
  };
}
