/** Reading fields of config.json with one clear sentence when a field does not fit. */
import { GraftError } from '../../../../src-shared/errors.ts';
import { shownValue } from '../../../../src-shared/shownValue.ts';
import type { ArchitectureSpec, ModelConfig } from '../spec.ts';

/** `instead`: what to do about it. */
export function badConfig(
  field: string,
  got: unknown,
  want: string,
  instead = 'use a checkpoint with a complete config.json',
): GraftError {
  return new GraftError(
    'BAD_CONFIG',
    `config.json: field ${field} is ${shownValue(got ?? null)}, but ${want}; ${instead}.`,
    { field, got: got ?? null, want },
  );
}

/** For what a checkpoint means and Graft does not compute. */
export const ANOTHER_MODEL = 'choose a checkpoint without it';

/** More than ten times what the deepest models have. Whether the weights have as many is checked against them. */
const MOST_LAYERS = 2000;

export function layerCount(config: ModelConfig, field: string, fallback?: number): number {
  const layers = positiveInteger(config, field, fallback);
  if (layers <= MOST_LAYERS) return layers;
  throw badConfig(field, layers, `no model has more than ${MOST_LAYERS} layers`);
}

/** A whole number of at least 1. */
export function positiveInteger(config: ModelConfig, field: string, fallback?: number): number {
  const value = config[field] ?? fallback;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1)
    throw badConfig(field, config[field], 'a whole number of at least 1 is needed');
  return value;
}

/** A whole number of at least 0. */
export function wholeNumber(config: ModelConfig, field: string, fallback: number): number {
  const value = config[field] ?? fallback;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0)
    throw badConfig(field, config[field], 'a whole number is needed');
  return value;
}

export function finiteNumber(config: ModelConfig, field: string, fallback: number): number {
  const value = config[field] ?? fallback;
  if (typeof value !== 'number' || !Number.isFinite(value)) throw badConfig(field, value, 'a number is needed');
  return value;
}

export function numberAboveZero(config: ModelConfig, field: string, usual: number): number {
  const value = finiteNumber(config, field, usual);
  if (value <= 0) throw badConfig(field, value, 'a number above 0 is needed');
  return value;
}

/** null switches a cap off; absent is what transformers takes it for: `usual`, or off where that is null. */
export function capField(
  name: 'attentionCap' | 'logitCap',
  config: ModelConfig,
  field: string,
  usual: number | null,
): Pick<ArchitectureSpec, 'attentionCap' | 'logitCap'> {
  if (config[field] === null || (config[field] === undefined && usual === null)) return {};
  return { [name]: numberAboveZero(config, field, usual ?? 0) };
}

/** Refuses a config whose `field` holds anything but one of `allowed` (undefined and null pass). */
export function requireOneOf(config: ModelConfig, field: string, allowed: readonly unknown[]): void {
  const value = config[field];
  if (value === undefined || value === null || allowed.some((one) => JSON.stringify(one) === JSON.stringify(value)))
    return;
  const supported = allowed.length ? `only ${allowed.map((v) => JSON.stringify(v)).join(', ')}` : 'no value of it';
  throw badConfig(
    field,
    value,
    `for model_type ${JSON.stringify(config['model_type'] ?? null)} Graft computes ${supported}`,
    ANOTHER_MODEL,
  );
}

function optionalTokenId(config: ModelConfig, field: string): number | undefined {
  const value = config[field];
  return typeof value === 'number' ? value : undefined;
}

/** eos_token_id may be a number or a list of numbers. */
function tokenIds(config: ModelConfig, field: string): number[] {
  const value = config[field];
  if (typeof value === 'number') return [value];
  if (Array.isArray(value)) return value.filter((v): v is number => typeof v === 'number');
  return [];
}

/** Fields that change the computation wherever they are set, and the values that leave it as it is. */
const NEUTRAL: Record<string, readonly unknown[]> = {
  is_encoder_decoder: [false],
  use_bidirectional_attention: [false],
  num_experts: [0, 1],
  num_local_experts: [0, 1],
  n_routed_experts: [0],
  attention_multiplier: [],
  residual_multiplier: [1],
  embedding_multiplier: [1],
  logits_scaling: [1],
  clip_qkv: [],
  qk_layernorm: [false],
  use_qk_norm: [false],
  no_rope_layers: [[]],
  alibi: [false],
  lm_head_bias: [false],
  use_mrope: [false],
  rope_interleaved: [false],
  partial_rotary_factor: [1],
  rotary_pct: [1],
  query_pre_attn_scalar: [],
  attn_logit_softcapping: [],
  final_logit_softcapping: [],
};

/** Refuses what a family does not compute; `reads`: those of the fields that it does. */
export function refuseOtherMaths(config: ModelConfig, reads: readonly string[] = []): void {
  for (const [field, neutral] of Object.entries(NEUTRAL))
    if (!reads.includes(field)) requireOneOf(config, field, neutral);
}

/** The special tokens that begin and end a text. */
export function textEnds(config: ModelConfig): { bosTokenId?: number; eosTokenIds: number[] } {
  const bosTokenId = optionalTokenId(config, 'bos_token_id');
  return { ...(bosTokenId === undefined ? {} : { bosTokenId }), eosTokenIds: tokenIds(config, 'eos_token_id') };
}
