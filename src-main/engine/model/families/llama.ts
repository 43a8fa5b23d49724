/**
 * The Llama family (Touvron et al. 2023): RMSNorm, rotary positions, grouped-query attention, SwiGLU.
 * Mistral and Qwen2 differ only in fields read here; biases are used where the checkpoint has them.
 */
import type { ArchitectureSpec, Family, ModelConfig, RopeScaling } from '../architecture.ts';
import { badConfig, finiteNumber, optionalTokenId, positiveInteger, requireOneOf, tokenIds } from './fields.ts';

export function llamaArchitecture(config: ModelConfig): ArchitectureSpec {
  const hidden = positiveInteger(config, 'hidden_size');
  const heads = positiveInteger(config, 'num_attention_heads');
  const kvHeads = positiveInteger(config, 'num_key_value_heads', heads);
  const headDim = positiveInteger(config, 'head_dim', hidden / heads);
  if (heads % kvHeads !== 0) throw badConfig('num_key_value_heads', kvHeads, `it must divide num_attention_heads = ${heads}`);
  if (headDim % 2 !== 0) throw badConfig('head_dim', headDim, 'rotary positions need an even number');
  requireOneOf(config, 'hidden_act', ['silu', 'swish']);
  const maxPositions = positiveInteger(config, 'max_position_embeddings', 2048);
  refuseSlidingWindow(config, maxPositions);
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
    mlp: 'swiglu',
    tiedHead: config['tie_word_embeddings'] === true,
    layout: 'out_in',
    prefix: 'model.',
    ...(bosTokenId === undefined ? {} : { bosTokenId }),
    eosTokenIds: tokenIds(config, 'eos_token_id'),
  };
}

/** A window at least as long as the longest sequence changes nothing; a shorter one is not supported yet. */
function refuseSlidingWindow(config: ModelConfig, maxPositions: number): void {
  const window = config['sliding_window'];
  if (typeof window !== 'number' || config['use_sliding_window'] === false) return;
  if (window < maxPositions) throw badConfig('sliding_window', window, `Graft supports only windows of at least max_position_embeddings = ${maxPositions}`);
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
