/**
 * Which tensor of a Hugging Face folder each tensor of a GGUF file comes from, and in what order, written down a second
 * time from llama.cpp's converter (conversion/*.py): src-main/gguf/families is what wrote the file.
 */
export interface GgufPlace {
  /** Name below the class's prefix. */
  source: string;
  /** The output that row i of the file, or value i of a vector, holds; absent: i. */
  outputOf?: (row: number) => number;
  /** Rows are tokens or positions. */
  table?: true;
  /** What the file's value has beside the weight's. */
  plus?: number;
  times?: number;
}

type Config = Record<string, unknown>;

const LLAMA = {
  attn_norm: 'input_layernorm',
  attn_q: 'self_attn.q_proj',
  attn_k: 'self_attn.k_proj',
  attn_v: 'self_attn.v_proj',
  attn_output: 'self_attn.o_proj',
  ffn_norm: 'post_attention_layernorm',
  ffn_gate: 'mlp.gate_proj',
  ffn_up: 'mlp.up_proj',
  ffn_down: 'mlp.down_proj',
};

interface Names {
  architecture: string;
  blocks: string;
  block: Record<string, string>;
  top: Record<string, string>;
}

const LLAMA_TOP = { token_embd: 'embed_tokens', output_norm: 'norm', output: 'lm_head' };
const family = (architecture: string, block: Record<string, string>): Names => ({
  architecture,
  blocks: 'layers',
  block,
  top: LLAMA_TOP,
});

const FAMILIES: Record<string, Names> = {
  llama: family('llama', LLAMA),
  mistral: family('llama', LLAMA),
  qwen2: family('qwen2', LLAMA),
  qwen3: family('qwen3', { ...LLAMA, attn_q_norm: 'self_attn.q_norm', attn_k_norm: 'self_attn.k_norm' }),
  gemma2: family('gemma2', {
    ...LLAMA,
    post_attention_norm: 'post_attention_layernorm',
    ffn_norm: 'pre_feedforward_layernorm',
    post_ffw_norm: 'post_feedforward_layernorm',
  }),
  gemma3_text: family('gemma3', {
    ...LLAMA,
    attn_q_norm: 'self_attn.q_norm',
    attn_k_norm: 'self_attn.k_norm',
    post_attention_norm: 'post_attention_layernorm',
    ffn_norm: 'pre_feedforward_layernorm',
    post_ffw_norm: 'post_feedforward_layernorm',
  }),
  olmo2: family('olmo2', {
    ...LLAMA,
    attn_q_norm: 'self_attn.q_norm',
    attn_k_norm: 'self_attn.k_norm',
    post_attention_norm: 'post_attention_layernorm',
    post_ffw_norm: 'post_feedforward_layernorm',
  }),
  smollm3: family('smollm3', LLAMA),
  granite: family('granite', LLAMA),
  phi3: family('phi3', { ...LLAMA, attn_qkv: 'self_attn.qkv_proj', ffn_up: 'mlp.gate_up_proj' }),
  gpt2: {
    architecture: 'gpt2',
    blocks: 'h',
    block: {
      attn_norm: 'ln_1',
      attn_qkv: 'attn.c_attn',
      attn_output: 'attn.c_proj',
      ffn_norm: 'ln_2',
      ffn_up: 'mlp.c_fc',
      ffn_down: 'mlp.c_proj',
    },
    top: { token_embd: 'wte', position_embd: 'wpe', output_norm: 'ln_f', output: 'lm_head' },
  },
  gpt_neox: {
    architecture: 'gptneox',
    blocks: 'layers',
    block: {
      attn_norm: 'input_layernorm',
      attn_qkv: 'attention.query_key_value',
      attn_output: 'attention.dense',
      ffn_norm: 'post_attention_layernorm',
      ffn_up: 'mlp.dense_h_to_4h',
      ffn_down: 'mlp.dense_4h_to_h',
    },
    top: { token_embd: 'embed_in', output_norm: 'final_layer_norm', output: 'embed_out' },
  },
};

/** Throws an Error for a family that is not known here. */
export function architectureOf(config: Config): string {
  return namesOf(config).architecture;
}

function namesOf({ model_type: type }: Config): Names {
  const names = FAMILIES[String(type)];
  if (!names) throw new Error(`the model type ${String(type)} is not known here`);
  return names;
}

/** Undefined for a tensor that no tensor of the folder gives. */
export function placeOf(name: string, config: Config): GgufPlace | undefined {
  const { blocks, block, top } = namesOf(config);
  const [, layer, own = '', suffix = ''] = /^(?:blk\.(\d+)\.)?(\w+)\.(weight|bias)$/.exec(name) ?? [];
  const module = layer === undefined ? top[own] : block[own];
  if (module === undefined) return undefined;
  const source = `${layer === undefined ? '' : `${blocks}.${layer}.`}${module}.${suffix}`;
  return { source, ...arrangement(own, config) };
}

function arrangement(own: string, config: Config): Omit<GgufPlace, 'source'> {
  if (own === 'token_embd' || own === 'position_embd' || own === 'output') return { table: true };
  const { model_type: type } = config;
  const shape = headsOf(config);
  if (type === 'gemma2') {
    if (own.endsWith('norm')) return { plus: 1 };
    return own === 'attn_q' ? { times: queryFactor(config, shape, 46) } : {};
  }
  if (type === 'gemma3_text' && own.endsWith('norm')) {
    const times = own === 'attn_q_norm' ? queryFactor(config, shape, 62) : 1;
    return { plus: times, times };
  }
  if (PERMUTED.includes(String(type)) && (own === 'attn_q' || own === 'attn_k')) {
    // reshape(heads, 2, size / 2).swapaxes(1, 2)
    const order = orderOf([own === 'attn_q' ? shape.heads : shape.kvHeads, 2, shape.size / 2], [0, 2, 1]);
    return { outputOf: (row) => order[row]! };
  }
  if (type === 'gpt_neox' && own === 'attn_qkv') {
    // reshape(heads, 3, size): the queries of all heads first.
    const order = orderOf([shape.heads, 3, shape.size], [1, 0, 2]);
    return { outputOf: (row) => order[row]! };
  }
  return {};
}

/** Whose rows of q and k stand in pairs of neighbours. */
const PERMUTED = ['llama', 'mistral', 'smollm3', 'granite'];

interface Heads {
  heads: number;
  kvHeads: number;
  size: number;
  hidden: number;
}

function headsOf(config: Config): Heads {
  const number = (...keys: string[]): number | undefined =>
    keys.map((key) => config[key]).find((value) => typeof value === 'number');
  // What the config.json of a Gemma 3 leaves out.
  const usual = config['model_type'] === 'gemma3_text' ? { heads: 8, kvHeads: 4, size: 256 } : {};
  const heads = number('num_attention_heads', 'n_head') ?? usual.heads ?? 1;
  const hidden = number('hidden_size', 'n_embd') ?? 1;
  return {
    heads,
    kvHeads: number('num_key_value_heads') ?? usual.kvHeads ?? heads,
    size: number('head_dim') ?? usual.size ?? hidden / heads,
    hidden,
  };
}

/** llama.cpp scales scores by the size of a head, or in the model of 27B by hidden / heads. */
function queryFactor(config: Config, { heads, size, hidden }: Heads, layersOf27B: number): number {
  const scalar = Number(config['query_pre_attn_scalar'] ?? 256);
  return Math.sqrt((config['num_hidden_layers'] === layersOf27B ? hidden / heads : size) / scalar);
}

/** Where each element of a transposed array (as NumPy's transpose) stood before. */
function orderOf(dims: [number, number, number], axes: [number, number, number]): number[] {
  const strides = [dims[1] * dims[2], dims[2], 1] as const;
  const [a, b, c] = axes;
  const order: number[] = [];
  for (let i = 0; i < dims[a]!; i++)
    for (let j = 0; j < dims[b]!; j++)
      for (let k = 0; k < dims[c]!; k++) order.push(i * strides[a]! + j * strides[b]! + k * strides[c]!);
  return order;
}
