/** A new Llama checkpoint: its configuration, tokenizer files and random weights, in Hugging Face's layout. */
import fs from 'node:fs';
import path from 'node:path';
import { castF32 } from '../../src-main/safetensors/dtype.ts';
import { expectedTensors } from '../../src-main/basemodel/expectedTensors.ts';
import { writeSafetensors, type TensorEntry } from '../../src-main/safetensors/write.ts';
import { architectureFromConfig, type ModelConfig } from '../../src-main/engine/model/architecture.ts';
import { Random } from '../../src-shared/random.ts';
import { SPECIAL_TOKENS, tokenizerJson, vocabularyOf, type Merge } from './bpe.ts';

const CONFIG: ModelConfig = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  hidden_size: 96,
  intermediate_size: 256,
  num_hidden_layers: 4,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  max_position_embeddings: 256,
  rms_norm_eps: 1e-5,
  rope_theta: 10000,
  hidden_act: 'silu',
  attention_bias: false,
  mlp_bias: false,
  tie_word_embeddings: true,
  bos_token_id: 0,
  eos_token_id: 1,
  pad_token_id: 2,
  torch_dtype: 'float32',
};

/**
 * Of the embeddings: wide enough that words of one class stay apart while the model learns what they have in common.
 */
const EMBEDDING_STD = 0.2;

/** Writes config.json, the tokenizer's files and model.safetensors into the existing folder `dir`. */
export async function writeRandomModel(dir: string, merges: readonly Merge[], seed: number): Promise<void> {
  const config: ModelConfig = { ...CONFIG, vocab_size: vocabularyOf(merges).size };
  writeJson(dir, 'config.json', config);
  writeJson(dir, 'tokenizer.json', tokenizerJson(merges));
  const { bos, eos, pad } = SPECIAL_TOKENS;
  const tokens = { bos_token: bos, eos_token: eos, pad_token: pad };
  writeJson(dir, 'special_tokens_map.json', tokens);
  writeJson(dir, 'tokenizer_config.json', {
    tokenizer_class: 'PreTrainedTokenizerFast',
    ...tokens,
    model_max_length: config['max_position_embeddings'],
    clean_up_tokenization_spaces: false,
  });
  writeJson(dir, 'generation_config.json', { bos_token_id: 0, eos_token_id: 1, pad_token_id: 2, do_sample: false });
  await writeSafetensors(path.join(dir, 'model.safetensors'), randomWeights(config, seed));
}

function writeJson(dir: string, name: string, value: object): void {
  fs.writeFileSync(path.join(dir, name), `${JSON.stringify(value, null, 2)}\n`);
}

/** Norms are 1; matrices N(0, 1/in), those that write into the residual stream smaller by 1/sqrt(2L) (GPT-2). */
function randomWeights(config: ModelConfig, seed: number): TensorEntry[] {
  const spec = architectureFromConfig(config);
  return expectedTensors(spec, config)
    .filter(({ optional }) => !optional)
    .map(({ name, shape }) => {
      const size = shape.reduce((a, b) => a * b);
      const std = weightStd(name, shape, spec.layers);
      const data = (): Uint8Array =>
        castF32(
          shape.length === 1 ? new Float32Array(size).fill(1) : Random.stream(seed, name).normal(size, std),
          'F32',
        );
      return { name, dtype: 'F32', shape, data };
    });
}

function weightStd(name: string, shape: number[], layers: number): number {
  if (name.endsWith('embed_tokens.weight')) return EMBEDDING_STD;
  const residual = /\.(o_proj|down_proj)\.weight$/.test(name);
  return (residual ? 1 / Math.sqrt(2 * layers) : 1) / Math.sqrt(shape[1]!);
}
