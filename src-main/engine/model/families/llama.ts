/**
 * The Llama family (Touvron et al. 2023): RMSNorm, rotary positions, grouped-query attention, SwiGLU.
 * Mistral and Qwen2 differ only in fields read here; biases are used where the checkpoint has them.
 */
import type { ArchitectureSpec, Family, ModelConfig, RopeScaling } from '../architecture.ts';
import { badConfig, finiteNumber, optionalTokenId, positiveInteger, requireOneOf, tokenIds, wholeNumber } from './fields.ts';

export function llamaArchitecture(config: ModelConfig): ArchitectureSpec {
  const hidden = positiveInteger(config, 'hidden_size');
  const heads = positiveInteger(config, 'num_attention_heads');
  const kvHeads = positiveInteger(config, 'num_key_value_heads', heads);
  const headDim = positiveInteger(config, 'head_dim', hidden / heads);
  if (heads % kvHeads !== 0) throw badConfig('num_key_value_heads', kvHeads, `it must divide num_attention_heads = ${heads}`);
  if (headDim % 2 !== 0) throw badConfig('head_dim', headDim, 'rotary positions need an even number');
  requireOneOf(config, 'hidden_act', ['silu', 'swish']);
  const maxPositions = positiveInteger(config, 'max_position_embeddings', 2048);
  const slidingWindow = readSlidingWindow(config, maxPositions);
  const rope = ropeFields(config);
  const ropeScaling = readRopeScaling(rope.scaling);
  const bosTokenId = optionalTokenId(config, 'bos_token_id');
  return {
    family: config['model_type'] as Family,
    layers: positiveInteger(config, 'num_hidden_layers'),
    hidden,
    heads,
    kvHeads,
    headDim,
    intermediate: positiveInteger(config, 'intermediate_size'),
    vocab: positiveInteger(config, 'vocab_size'),
    maxPositions,
    norm: 'rms',
    normEps: finiteNumber(config, 'rms_norm_eps', 1e-6),
    positions: 'rotary',
    ropeTheta: rope.theta,
    ...(ropeScaling ? { ropeScaling } : {}),
    ...(slidingWindow ? { slidingWindow } : {}),
    mlp: 'swiglu',
    tiedHead: config['tie_word_embeddings'] === true,
    layout: 'out_in',
    prefix: 'model.',
    ...(bosTokenId === undefined ? {} : { bosTokenId }),
    eosTokenIds: tokenIds(config, 'eos_token_id'),
  };
}

/**
 * Mistral's window holds for every layer unless it is null; Qwen2's only with use_sliding_window, from max_window_layers
 * on. What is absent is what transformers takes it for. A window as long as the longest sequence is none.
 */
function readSlidingWindow(config: ModelConfig, maxPositions: number): ArchitectureSpec['slidingWindow'] {
  const qwen = config['model_type'] === 'qwen2';
  if (config['sliding_window'] === null || (qwen ? config['use_sliding_window'] !== true : config['model_type'] !== 'mistral')) return undefined;
  const size = positiveInteger(config, 'sliding_window', 4096);
  return size < maxPositions ? { size, firstLayer: qwen ? wholeNumber(config, 'max_window_layers', 28) : 0 } : undefined;
}

/** transformers 4 writes rope_theta and rope_scaling, transformers 5 writes both into rope_parameters. */
function ropeFields(config: ModelConfig): { theta: number; scaling: unknown } {
  const parameters = config['rope_parameters'];
  if (parameters !== null && typeof parameters === 'object') {
    return { theta: finiteNumber(parameters as ModelConfig, 'rope_theta', 10000), scaling: parameters };
  }
  return { theta: finiteNumber(config, 'rope_theta', 10000), scaling: config['rope_scaling'] };
}

function readRopeScaling(scaling: unknown): RopeScaling | undefined {
  if (scaling === null || scaling === undefined) return undefined;
  if (typeof scaling !== 'object') throw badConfig('rope_scaling', scaling, 'an object is needed');
  const fields = scaling as ModelConfig;
  const type = fields['rope_type'] ?? fields['type'] ?? 'default';
  if (type === 'default') return undefined;
  if (type !== 'llama3') throw badConfig('rope_scaling', type, 'Graft supports only "default" and "llama3"');
  return {
    type: 'llama3',
    factor: finiteNumber(fields, 'factor', 8),
    lowFreqFactor: finiteNumber(fields, 'low_freq_factor', 1),
    highFreqFactor: finiteNumber(fields, 'high_freq_factor', 4),
    originalMaxPositions: positiveInteger(fields, 'original_max_position_embeddings', 8192),
  };
}
