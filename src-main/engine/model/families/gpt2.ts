/** GPT-2 (Radford et al. 2019): LayerNorm, learned positions, fused c_attn, Conv1D weights (in, out), tied head. */
import type { ArchitectureSpec, FamilyRules, LinearModule, ModelConfig } from '../spec.ts';
import type { Target } from '../../../../src-shared/targets.ts';
import {
  badConfig,
  finiteNumber,
  layerCount,
  positiveInteger,
  refuseOtherMaths,
  requireOneOf,
  textEnds,
} from './fields.ts';
import { partOf } from './modules.ts';

export const gpt2Family: FamilyRules = {
  spec: gpt2Architecture,
  modules: gpt2Modules,
  names: {
    embedding: 'wte.weight',
    positions: 'wpe.weight',
    head: 'lm_head.weight',
    blocks: 'h',
    beforeAttention: 'ln_1',
    beforeMlp: 'ln_2',
    finalNorm: 'ln_f',
  },
  biasRequired: () => true,
};

function gpt2Architecture(config: ModelConfig): ArchitectureSpec {
  const hidden = positiveInteger(config, 'n_embd');
  const heads = positiveInteger(config, 'n_head');
  if (hidden % heads !== 0) throw badConfig('n_head', heads, `it must divide n_embd = ${hidden}`);
  requireOneOf(config, 'activation_function', ['gelu_new', 'gelu_pytorch_tanh', 'gelu_fast']);
  requireOneOf(config, 'scale_attn_weights', [true]);
  requireOneOf(config, 'scale_attn_by_inverse_layer_idx', [false]);
  requireOneOf(config, 'tie_word_embeddings', [true, false]);
  requireOneOf(config, 'add_cross_attention', [false]);
  refuseOtherMaths(config);
  return {
    family: 'gpt2',
    layers: layerCount(config, 'n_layer'),
    hidden,
    heads,
    kvHeads: heads,
    headDim: hidden / heads,
    intermediate: positiveInteger(config, 'n_inner', 4 * hidden),
    vocab: positiveInteger(config, 'vocab_size'),
    maxPositions: positiveInteger(config, 'n_positions', 1024),
    norm: 'layer',
    normEps: finiteNumber(config, 'layer_norm_epsilon', 1e-5),
    positions: 'learned',
    ropeTheta: 0,
    fusedQkv: 'blocks',
    mlp: 'gelu',
    tiedHead: config['tie_word_embeddings'] !== false,
    layout: 'in_out',
    prefix: 'transformer.',
    ...textEnds(config),
  };
}

function gpt2Modules({ hidden: C, intermediate: F, prefix }: ArchitectureSpec, layer: number): LinearModule[] {
  const block = `${prefix}h.${layer}.`;
  // PEFT always sees the model class, whose names carry the prefix even where the file's names do not.
  const peftBlock = `transformer.h.${layer}.`;
  const make = (target: Target, name: string, inFeatures: number, outFeatures: number): LinearModule => ({
    layer,
    target,
    module: peftBlock + name,
    peftName: name === 'attn.c_attn' ? 'c_attn' : name === 'mlp.c_fc' ? 'c_fc' : name,
    weight: `${block}${name}.weight`,
    bias: `${block}${name}.bias`,
    inFeatures,
    outFeatures,
    layout: 'in_out',
  });
  const qkv = make('qkv', 'attn.c_attn', C, 3 * C);
  return [
    qkv,
    partOf(qkv, 'q', 0, C),
    partOf(qkv, 'k', C, 2 * C),
    partOf(qkv, 'v', 2 * C, 3 * C),
    make('o', 'attn.c_proj', C, C),
    make('fc', 'mlp.c_fc', C, F),
    make('proj', 'mlp.c_proj', F, C),
  ];
}
