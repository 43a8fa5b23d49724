/** The fields of config.json that the families which are built like Llama have in common, out of a GGUF file. */
import type { ModelConfig } from '../engine/model/architecture.ts';
import type { ArchitectureFields } from './architectureFields.ts';

/** Rows of the embedding; a file without one is refused where its tensors are looked for. */
export function vocabulary(fields: ArchitectureFields): number {
  return fields.dims('token_embd.weight')?.[1] ?? fields.number('vocab_size') ?? 0;
}

/** Sizes, heads, norm, rotary positions and head of the families that are built like Llama. */
export function llamaLike(fields: ArchitectureFields, type: string, model: string): ModelConfig {
  const [hidden, heads] = [fields.needed('embedding_length'), fields.needed('attention.head_count')];
  const headDim = fields.number('attention.key_length') ?? hidden / heads;
  return {
    architectures: [model],
    model_type: type,
    hidden_size: hidden,
    intermediate_size: fields.needed('feed_forward_length'),
    num_hidden_layers: fields.needed('block_count'),
    num_attention_heads: heads,
    num_key_value_heads: fields.number('attention.head_count_kv') ?? heads,
    head_dim: headDim,
    hidden_act: 'silu',
    max_position_embeddings: fields.needed('context_length'),
    rms_norm_eps: float(fields.needed('attention.layer_norm_rms_epsilon')),
    vocab_size: vocabulary(fields),
    tie_word_embeddings: fields.dims('output.weight') === undefined,
    ...rotary(fields, headDim),
  };
}

function rotary(fields: ArchitectureFields, headDim: number): ModelConfig {
  const turned = fields.number('rope.dimension_count') ?? headDim;
  const type = fields.string('rope.scaling.type') ?? 'none';
  const factor = fields.number('rope.scaling.factor') ?? fields.number('rope.scale_linear') ?? 1;
  const original = fields.number('rope.scaling.original_context_length');
  return {
    rope_theta: float(fields.number('rope.freq_base') ?? 10000),
    ...(turned === headDim ? {} : { partial_rotary_factor: turned / headDim }),
    ...(type === 'none' || factor === 1
      ? {}
      : {
          rope_scaling: {
            rope_type: type,
            factor,
            ...(original === undefined ? {} : { original_max_position_embeddings: original }),
          },
        }),
  };
}

export function biases(fields: ArchitectureFields): ModelConfig {
  return {
    attention_bias: fields.dims('blk.0.attn_q.bias') !== undefined,
    mlp_bias: fields.dims('blk.0.ffn_gate.bias') !== undefined,
  };
}

/** float32 in the file; the shortest decimal that means the same. */
export function float(value: number): number {
  return Number(value.toPrecision(7));
}
