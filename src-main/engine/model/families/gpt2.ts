/** GPT-2 (Radford et al. 2019): LayerNorm, learned positions, fused c_attn, Conv1D weights (in, out), tied head. */
import type { ArchitectureSpec, ModelConfig } from '../architecture.ts';
import { badConfig, finiteNumber, optionalTokenId, positiveInteger, requireOneOf, tokenIds } from './fields.ts';

export function gpt2Architecture(config: ModelConfig): ArchitectureSpec {
  const hidden = positiveInteger(config, 'n_embd');
  const heads = positiveInteger(config, 'n_head');
  if (hidden % heads !== 0) throw badConfig('n_head', heads, `it must divide n_embd = ${hidden}`);
  requireOneOf(config, 'activation_function', ['gelu_new', 'gelu_pytorch_tanh', 'gelu_fast']);
  requireOneOf(config, 'scale_attn_weights', [true]);
  requireOneOf(config, 'scale_attn_by_inverse_layer_idx', [false]);
  requireOneOf(config, 'tie_word_embeddings', [true]);
  requireOneOf(config, 'add_cross_attention', [false]);
  const maxPositions = positiveInteger(config, 'n_positions', 1024);
  const bosTokenId = optionalTokenId(config, 'bos_token_id');
  return {
    family: 'gpt2',
    layers: positiveInteger(config, 'n_layer'),
    hidden,
    heads,
    kvHeads: heads,
    headDim: hidden / heads,
    intermediate: positiveInteger(config, 'n_inner', 4 * hidden),
    vocab: positiveInteger(config, 'vocab_size'),
    maxPositions,
    norm: 'layer',
    normEps: finiteNumber(config, 'layer_norm_epsilon', 1e-5),
    positions: 'learned',
    ropeTheta: 0,
    mlp: 'gelu',
    tiedHead: true,
    layout: 'in_out',
    prefix: 'transformer.',
    ...(bosTokenId === undefined ? {} : { bosTokenId }),
    eosTokenIds: tokenIds(config, 'eos_token_id'),
  };
}
