/**
 * The config.json of the checkpoint that a GGUF file was converted from, as far as llama.cpp's metadata says it: the
 * inverse of families/. What the file says and Graft does not compute is refused by the same rules as in a config.json.
 */
import { GraftError } from '../../src-shared/errors.ts';
import { shownValue } from '../../src-shared/shownValue.ts';
import type { ModelConfig } from '../engine/model/architecture.ts';
import { architectureFields, type ArchitectureFields } from './architectureFields.ts';
import { gemma2, gemma3 } from './gemmaConfigs.ts';
import { biases, float, llamaLike, vocabulary } from './llamaLikeConfig.ts';
import { TORCH_DTYPES } from '../safetensors/dtype.ts';
import type { GgufFields } from './metadata.ts';
import type { GgufFile } from './read.ts';
import { llama3Scaling, longRope } from './ropeFromGguf.ts';

export interface FoundConfig {
  config: ModelConfig;
  notes: string[];
}

type Build = (fields: ArchitectureFields, gguf: GgufFile) => ModelConfig;

/** By `general.architecture`. */
const BUILDS: Record<string, Build> = {
  llama: (fields, gguf) => ({
    ...llamaLike(fields, 'llama', 'LlamaForCausalLM'),
    ...biases(fields),
    ...llama3Scaling(gguf, fields),
  }),
  qwen2: (fields) => ({ ...llamaLike(fields, 'qwen2', 'Qwen2ForCausalLM'), use_sliding_window: false }),
  qwen3: (fields) => ({
    ...llamaLike(fields, 'qwen3', 'Qwen3ForCausalLM'),
    ...biases(fields),
    use_sliding_window: false,
  }),
  gemma2,
  gemma3,
  olmo2: (fields) => llamaLike(fields, 'olmo2', 'Olmo2ForCausalLM'),
  smollm3: (fields) => ({ ...llamaLike(fields, 'smollm3', 'SmolLM3ForCausalLM'), no_rope_layer_interval: 4 }),
  granite,
  phi3,
  gpt2,
  gptneox: gptNeox,
};

/** Nothing that a model computes depends on them, or tensors say it as well. */
const IDLE_KEYS = new Set(['vocab_size', 'attention.value_length', 'rope.scaling.finetuned', 'tensor_data_layout']);

/** Keys that change what is computed, with the value that does not. */
const NEUTRAL: Record<string, number> = {
  expert_count: 0,
  expert_used_count: 0,
  attention_scale: 0,
  'attention.scale': 0,
  embedding_scale: 1,
  residual_scale: 1,
  logit_scale: 1,
  'attention.clamp_kqv': 0,
  'attention.max_alibi_bias': 0,
  'rope.scaling.attn_factor': 1,
  'rope.scaling.yarn_log_multiplier': 0,
  'rope.scaling.yarn_beta_fast': 32,
  'rope.scaling.yarn_beta_slow': 1,
};

/** Throws GraftError UNKNOWN_ARCHITECTURE, GGUF_UNSUPPORTED (what Graft does not compute), GGUF_HEADER. */
export function configFromGguf(gguf: GgufFile): FoundConfig {
  const { file, fields } = gguf;
  const architecture = fields.string('general.architecture');
  const build = architecture !== undefined && Object.hasOwn(BUILDS, architecture) ? BUILDS[architecture] : undefined;
  if (architecture === undefined || !build) throw unknownArchitecture(file, architecture);
  refuseParts(file, fields);
  if (gguf.tensors.size === 0)
    throw new GraftError('GGUF_UNSUPPORTED', `${file} holds no weights, only metadata; use the file of a model.`, {
      file,
    });
  const read = new Set<string>();
  const config = build(architectureFields(gguf, architecture, read), gguf);
  const prefix = `${architecture}.`;
  const others = fields
    .keys()
    .filter((key) => key.startsWith(prefix) && !read.has(key.slice(prefix.length)))
    .map((key) => key.slice(prefix.length));
  refuseOtherMaths(file, fields, prefix, others);
  const unknown = others.filter((key) => !IDLE_KEYS.has(key) && !Object.hasOwn(NEUTRAL, key));
  return {
    config: { ...config, torch_dtype: torchDtype(gguf) },
    notes: [
      ...(architecture === 'gptneox' ? [WHICH_GELU] : []),
      ...(unknown.length > 0
        ? [`Graft does not know these fields of the file and goes on without them: ${unknown.join(', ')}.`]
        : []),
    ],
  };
}

/** The smallest type that holds what most bytes of the file say. */
function torchDtype({ tensors }: GgufFile): string {
  const bytes = { F16: 0, BF16: 0, F32: 0 };
  for (const { type, byteLength } of tensors.values())
    bytes[type === 'F16' || type === 'BF16' ? type : 'F32'] += byteLength;
  const most = Math.max(...Object.values(bytes));
  return TORCH_DTYPES[most === bytes.F32 ? 'F32' : most === bytes.F16 ? 'F16' : 'BF16'];
}

function unknownArchitecture(file: string, architecture: string | undefined): GraftError {
  const supported = Object.keys(BUILDS);
  return new GraftError(
    'UNKNOWN_ARCHITECTURE',
    `${file} names the architecture ${shownValue(architecture ?? null)}, which Graft cannot run; choose a GGUF file ` +
      `of one of: ${supported.join(', ')}.`,
    { file, architecture: architecture ?? null, supported },
  );
}

function refuseParts(file: string, fields: GgufFields): void {
  const type = fields.string('general.type') ?? 'model';
  const [what, instead] =
    type === 'adapter'
      ? ['an adapter', 'import it (graft adapters import, or the page Adapters)']
      : [`a part of the type ${shownValue(type)}`, 'choose the GGUF file of the model itself'];
  if (type !== 'model')
    throw new GraftError('GGUF_UNSUPPORTED', `${file} holds ${what}, no whole model; ${instead}.`, { file, type });
  const parts = fields.number('split.count') ?? 0;
  if (parts > 1)
    throw new GraftError(
      'GGUF_UNSUPPORTED',
      `${file} is one of ${parts} parts of a model; join them first (llama-gguf-split --merge FIRST-PART OUT.gguf) ` +
        'and add that file.',
      { file, parts },
    );
}

function refuseOtherMaths(file: string, fields: GgufFields, prefix: string, others: string[]): void {
  for (const key of others) {
    const neutral = Object.hasOwn(NEUTRAL, key) ? NEUTRAL[key] : undefined;
    const value = neutral === undefined ? undefined : fields.number(prefix + key);
    if (value === undefined || value === neutral || value === 0) continue;
    throw new GraftError(
      'GGUF_UNSUPPORTED',
      `${file}: ${prefix}${key} is ${value}, which Graft does not compute; choose a model without it.`,
      { file, key: prefix + key, value },
    );
  }
}

/** Its keys are among those that change what other families compute. */
function granite(fields: ArchitectureFields, gguf: GgufFile): ModelConfig {
  const common = llamaLike(fields, 'granite', 'GraniteForCausalLM');
  const headDim = common['head_dim'] as number;
  const factor = (key: string): number => float(fields.number(key) || 1);
  return {
    ...common,
    ...biases(fields),
    ...llama3Scaling(gguf, fields),
    // llama.cpp takes 0 for the usual factor.
    attention_multiplier: float(fields.number('attention.scale') || 1 / Math.sqrt(headDim)),
    embedding_multiplier: factor('embedding_scale'),
    residual_multiplier: factor('residual_scale'),
    logits_scaling: factor('logit_scale'),
  };
}

function phi3(fields: ArchitectureFields, gguf: GgufFile): ModelConfig {
  const window = fields.number('attention.sliding_window') ?? 0;
  const common = llamaLike(fields, 'phi3', 'Phi3ForCausalLM');
  return {
    ...common,
    sliding_window: window === 0 ? null : window,
    original_max_position_embeddings:
      fields.number('rope.scaling.original_context_length') ?? common['max_position_embeddings'],
    ...longRope(gguf, fields),
  };
}

function gpt2(fields: ArchitectureFields): ModelConfig {
  return {
    architectures: ['GPT2LMHeadModel'],
    model_type: 'gpt2',
    n_embd: fields.needed('embedding_length'),
    n_head: fields.needed('attention.head_count'),
    n_layer: fields.needed('block_count'),
    n_inner: fields.needed('feed_forward_length'),
    n_positions: fields.dims('position_embd.weight')?.[1] ?? fields.needed('context_length'),
    layer_norm_epsilon: float(fields.needed('attention.layer_norm_epsilon')),
    activation_function: 'gelu_new',
    vocab_size: vocabulary(fields),
    tie_word_embeddings: fields.dims('output.weight') === undefined,
  };
}

const WHICH_GELU =
  'The file does not say which form of GELU the model uses: Graft computes the exact one, which Pythia means, ' +
  'llama.cpp the tanh form, which differs in the fourth decimal.';

function gptNeox(fields: ArchitectureFields): ModelConfig {
  const [hidden, heads] = [fields.needed('embedding_length'), fields.needed('attention.head_count')];
  return {
    architectures: ['GPTNeoXForCausalLM'],
    model_type: 'gpt_neox',
    hidden_size: hidden,
    intermediate_size: fields.needed('feed_forward_length'),
    num_hidden_layers: fields.needed('block_count'),
    num_attention_heads: heads,
    hidden_act: 'gelu',
    max_position_embeddings: fields.needed('context_length'),
    layer_norm_eps: float(fields.needed('attention.layer_norm_epsilon')),
    rotary_pct: fields.needed('rope.dimension_count') / (hidden / heads),
    rotary_emb_base: float(fields.number('rope.freq_base') ?? 10000),
    use_parallel_residual: fields.bool('use_parallel_residual') ?? true,
    attention_bias: fields.dims('blk.0.attn_qkv.bias') !== undefined,
    vocab_size: vocabulary(fields),
    tie_word_embeddings: fields.dims('output.weight') === undefined,
  };
}
