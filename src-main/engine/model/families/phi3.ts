/**
 * Phi-3 (Abdin et al. 2024) and Phi-4-mini: Llama with fused matrices, q, k, v in one and gate, up in another.
 * Phi-4-mini turns a part of each head.
 */
import type { ArchitectureSpec, FamilyRules, LinearModule, ModelConfig } from '../spec.ts';
import { headFields, windowFields } from './attentionFields.ts';
import { finiteNumber, layerCount, positiveInteger, refuseOtherMaths, requireOneOf, textEnds } from './fields.ts';
import { linearMaker, partOf } from './modules.ts';
import { ropeFields, rotaryPart } from './ropeFields.ts';

export const phi3Family: FamilyRules = {
  spec: phi3Architecture,
  modules: phi3Modules,
  names: {
    embedding: 'embed_tokens.weight',
    head: 'lm_head.weight',
    blocks: 'layers',
    beforeAttention: 'input_layernorm',
    beforeMlp: 'post_attention_layernorm',
    finalNorm: 'norm',
  },
  biasRequired: () => false,
};

function phi3Architecture(config: ModelConfig): ArchitectureSpec {
  const hidden = positiveInteger(config, 'hidden_size');
  const layers = layerCount(config, 'num_hidden_layers');
  const heads = headFields(config, hidden);
  requireOneOf(config, 'hidden_act', ['silu', 'swish']);
  refuseOtherMaths(config, ['partial_rotary_factor']);
  const maxPositions = positiveInteger(config, 'max_position_embeddings', 4096);
  const part = rotaryPart(config, heads.headDim, { field: 'partial_rotary_factor', usual: 1 });
  return {
    family: 'phi3',
    layers,
    hidden,
    ...heads,
    intermediate: positiveInteger(config, 'intermediate_size'),
    vocab: positiveInteger(config, 'vocab_size'),
    norm: 'rms',
    normEps: finiteNumber(config, 'rms_norm_eps', 1e-5),
    positions: 'rotary',
    ...part,
    ...ropeFields(config, {
      partial: true,
      dim: part.rotaryDim ?? heads.headDim,
      maxPositions,
      usualOriginal: 4096,
      aliases: { su: 'longrope', yarn: 'longrope' }, // as Microsoft's first releases called it
    }),
    ...windowFields(config, { layers, maxPositions, usual: () => (config['sliding_window'] ?? null) !== null }),
    fusedQkv: 'blocks',
    mlp: 'swiglu',
    tiedHead: config['tie_word_embeddings'] === true,
    layout: 'out_in',
    prefix: 'model.',
    ...textEnds(config),
  };
}

function phi3Modules(
  { hidden: C, intermediate: F, heads, kvHeads, headDim }: ArchitectureSpec,
  layer: number,
): LinearModule[] {
  const [Q, K] = [heads * headDim, kvHeads * headDim];
  const make = linearMaker(layer, `model.layers.${layer}.`);
  const qkv = make('qkv', 'self_attn.qkv_proj', C, Q + 2 * K);
  const gateUp = make('gate_up', 'mlp.gate_up_proj', C, 2 * F);
  return [
    qkv,
    partOf(qkv, 'q', 0, Q),
    partOf(qkv, 'k', Q, Q + K),
    partOf(qkv, 'v', Q + K, Q + 2 * K),
    make('o', 'self_attn.o_proj', Q, C),
    gateUp,
    partOf(gateUp, 'gate', 0, F),
    partOf(gateUp, 'up', F, 2 * F),
    make('down', 'mlp.down_proj', F, C),
  ];
}
