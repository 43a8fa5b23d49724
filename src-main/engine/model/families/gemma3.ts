/**
 * Gemma 3 (Gemma Team 2025): Gemma 2 without caps, with normed queries and keys; of six layers five see a sliding
 * window and turn their positions by frequencies of their own.
 */
import type { ArchitectureSpec, FamilyRules, ModelConfig } from '../spec.ts';
import { headFields, windowedLayers, windowFields } from './attentionFields.ts';
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
import { gemma2Family } from './gemma2.ts';
import { objectField, ropeFieldsOf } from './ropeFields.ts';
import type { RopeOptions } from './scalingFields.ts';

export const gemma3Family: FamilyRules = {
  ...gemma2Family,
  spec: gemma3Architecture,
  names: { ...gemma2Family.names, qkNorm: ['self_attn.q_norm', 'self_attn.k_norm'] },
};

function gemma3Architecture(config: ModelConfig): ArchitectureSpec {
  const hidden = positiveInteger(config, 'hidden_size', 2304);
  const layers = layerCount(config, 'num_hidden_layers', 26);
  const heads = headFields(config, hidden, { heads: 8, kvHeads: 4, headDim: 256 });
  if (heads.headDim % 2 !== 0) throw badConfig('head_dim', heads.headDim, 'rotary positions need an even number');
  for (const field of ['hidden_activation', 'hidden_act'])
    requireOneOf(config, field, ['gelu_pytorch_tanh', 'gelu_new']);
  requireOneOf(config, 'tie_word_embeddings', [true, false]);
  refuseOtherMaths(config, ['query_pre_attn_scalar', 'attn_logit_softcapping', 'final_logit_softcapping']);
  const maxPositions = positiveInteger(config, 'max_position_embeddings', 131072);
  const pattern = positiveInteger(config, 'sliding_window_pattern', patternOf(config));
  const isLocal = (layer: number): boolean => (layer + 1) % pattern !== 0;
  return {
    family: 'gemma3_text',
    layers,
    hidden,
    ...heads,
    intermediate: positiveInteger(config, 'intermediate_size', 9216),
    vocab: positiveInteger(config, 'vocab_size', 262208),
    maxPositions,
    norm: 'rms',
    normEps: finiteNumber(config, 'rms_norm_eps', 1e-6),
    normPlusOne: true,
    postNorms: true,
    qkNorm: 'each',
    positions: 'rotary',
    ...ropes(config, { dim: heads.headDim, maxPositions }, windowedLayers(config, layers, isLocal)),
    ...windowFields(config, { layers, maxPositions, usual: isLocal }),
    attentionScale: 1 / Math.sqrt(numberAboveZero(config, 'query_pre_attn_scalar', 256)),
    ...capField('attentionCap', config, 'attn_logit_softcapping', null),
    ...capField('logitCap', config, 'final_logit_softcapping', null),
    embeddingScale: Math.fround(Math.sqrt(hidden)),
    mlp: 'geglu',
    tiedHead: config['tie_word_embeddings'] !== false,
    layout: 'out_in',
    prefix: 'model.',
    ...textEnds(config),
  };
}

/** transformers 5 writes the field with an underscore. */
function patternOf(config: ModelConfig): number {
  return positiveInteger(config, '_sliding_window_pattern', 6);
}

/**
 * transformers 5 has rope_parameters for each kind of layer; what transformers 4 calls rope_scaling is of those that
 * see everything.
 */
function ropes(
  config: ModelConfig,
  sizes: RopeOptions,
  local: boolean[],
): Pick<ArchitectureSpec, 'ropeTheta' | 'ropeScaling' | 'localRope'> {
  const five = objectField(config, 'rope_parameters') ?? {};
  const [full, sliding] = [objectField(five, 'full_attention'), objectField(five, 'sliding_attention')];
  const flat = Object.keys(five).find((name) => name !== 'full_attention' && name !== 'sliding_attention');
  if (flat !== undefined)
    throw badConfig(
      `rope_parameters.${flat}`,
      five[flat],
      'this family has full_attention and sliding_attention there',
    );
  const scaling = objectField(config, 'rope_scaling');
  const usual = ropeFieldsOf(
    config,
    scaling
      ? { field: 'rope_scaling', fields: { ...full, ...scaling } }
      : { field: 'rope_parameters.full_attention', fields: full ?? {} },
    { ...sizes, usualTheta: 1e6 },
  );
  const { ropeTheta: theta, ropeScaling } = ropeFieldsOf(
    config,
    { field: 'rope_parameters.sliding_attention', fields: sliding ?? {} },
    { ...sizes, thetaField: 'rope_local_base_freq' },
  );
  const layers = local.flatMap((is, layer) => (is ? [layer] : []));
  return { ...usual, localRope: { theta, ...(ropeScaling ? { scaling: ropeScaling } : {}), layers } };
}
