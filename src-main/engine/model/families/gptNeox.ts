/**
 * GPT-NeoX (Black et al. 2022), which Pythia is: LayerNorm, attention and MLP beside each other, rotary positions on a
 * part of each head, and one matrix in which the query, key and value of a head stand side by side.
 */
import type { ArchitectureSpec, FamilyRules, LinearModule, ModelConfig } from '../spec.ts';
import {
  badConfig,
  finiteNumber,
  layerCount,
  positiveInteger,
  refuseOtherMaths,
  requireOneOf,
  textEnds,
} from './fields.ts';
import { linearMaker } from './modules.ts';
import { ropeFields, rotaryPart } from './ropeFields.ts';

export const gptNeoxFamily: FamilyRules = {
  spec: gptNeoxArchitecture,
  modules: gptNeoxModules,
  names: {
    embedding: 'embed_in.weight',
    head: 'embed_out.weight',
    blocks: 'layers',
    beforeAttention: 'input_layernorm',
    beforeMlp: 'post_attention_layernorm',
    finalNorm: 'final_layer_norm',
  },
  biasRequired: (target, config) => target === 'fc' || target === 'proj' || config['attention_bias'] !== false,
};

function gptNeoxArchitecture(config: ModelConfig): ArchitectureSpec {
  const hidden = positiveInteger(config, 'hidden_size');
  const heads = positiveInteger(config, 'num_attention_heads');
  if (hidden % heads !== 0) throw badConfig('num_attention_heads', heads, `it must divide hidden_size = ${hidden}`);
  requireOneOf(config, 'hidden_act', ['gelu', 'gelu_new', 'gelu_fast', 'gelu_pytorch_tanh']);
  requireOneOf(config, 'use_parallel_residual', [true, false]);
  refuseOtherMaths(config, ['rotary_pct']);
  const headDim = hidden / heads;
  const part = rotaryPart(config, headDim, { field: 'rotary_pct', usual: 0.25 });
  return {
    family: 'gpt_neox',
    layers: layerCount(config, 'num_hidden_layers'),
    hidden,
    heads,
    kvHeads: heads,
    headDim,
    intermediate: positiveInteger(config, 'intermediate_size'),
    vocab: positiveInteger(config, 'vocab_size'),
    norm: 'layer',
    normEps: finiteNumber(config, 'layer_norm_eps', 1e-5),
    parallelResidual: config['use_parallel_residual'] !== false,
    positions: 'rotary',
    ...part,
    ...ropeFields(config, {
      thetaField: 'rotary_emb_base',
      partial: true,
      dim: part.rotaryDim ?? headDim,
      maxPositions: positiveInteger(config, 'max_position_embeddings', 2048),
    }),
    fusedQkv: 'heads',
    mlp: (config['hidden_act'] ?? 'gelu') === 'gelu' ? 'gelu_exact' : 'gelu',
    tiedHead: config['tie_word_embeddings'] === true,
    layout: 'out_in',
    prefix: 'gpt_neox.',
    ...textEnds(config),
  };
}

function gptNeoxModules({ hidden: C, intermediate: F }: ArchitectureSpec, layer: number): LinearModule[] {
  const make = linearMaker(layer, `gpt_neox.layers.${layer}.`);
  return [
    make('qkv', 'attention.query_key_value', C, 3 * C),
    make('o', 'attention.dense', C, C),
    make('fc', 'mlp.dense_h_to_4h', C, F),
    make('proj', 'mlp.dense_4h_to_h', F, C),
  ];
}
