/**
 * Models to begin with, smallest first. What is said of each is taken from its card and its config.json; nothing is
 * asked of the hub before the user fetches one, and the hub then tells licence and size again. A test holds parameters
 * and sizes against the shapes that config.json describes.
 */

export interface RecommendedModel {
  /** On Hugging Face, `OWNER/NAME`. */
  repository: string;
  /** What people call it. */
  title: string;
  /** As the hub names it. */
  licence: string;
  /** The hub gives it only to those who have accepted its licence there. */
  gated: boolean;
  /** A tied head counts once. */
  parameters: number;
  /** Of the weights, as they are fetched and kept; 1e9 bytes are a gigabyte. */
  sizeBytes: number;
  /** Most tokens that it sees at once. */
  context: number;
  /** One sentence. */
  goodFor: string;
  languages: string;
  /** When the facts were looked at, an ISO date. */
  lookedAt: string;
  /** What of its config.json decides the shapes, and with them the memory that training takes. */
  config: Readonly<Record<string, string | number | boolean>>;
}

/** Where a model's card is. */
export function cardAddress({ repository }: Pick<RecommendedModel, 'repository'>): string {
  return `https://huggingface.co/${repository}`;
}

const LOOKED_AT = '2026-11-30';

type Shape = [hidden: number, inner: number, layers: number, heads: number, kvHeads: number, vocab: number];

/** The fields that all families after GPT-2 have in common. */
function config(
  type: string,
  [hidden, inner, layers, heads, kvHeads, vocab]: Shape,
  { context, tied, ...others }: { context: number; tied: boolean } & RecommendedModel['config'],
): RecommendedModel['config'] {
  return {
    model_type: type,
    hidden_size: hidden,
    intermediate_size: inner,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    num_key_value_heads: kvHeads,
    vocab_size: vocab,
    max_position_embeddings: context,
    tie_word_embeddings: tied,
    ...others,
  };
}

/** What Gemma's configs say beside. */
const GEMMA = { head_dim: 256, query_pre_attn_scalar: 256, hidden_activation: 'gelu_pytorch_tanh' };

export const RECOMMENDED_MODELS: readonly RecommendedModel[] = [
  {
    repository: 'HuggingFaceTB/SmolLM2-135M-Instruct',
    title: 'SmolLM2 135M Instruct',
    licence: 'apache-2.0',
    gated: false,
    parameters: 134_515_008,
    sizeBytes: 269e6,
    context: 8192,
    goodFor: 'Trying everything out in minutes, on any computer.',
    languages: 'English',
    lookedAt: LOOKED_AT,
    config: config('llama', [576, 1536, 30, 9, 3, 49_152], { context: 8192, tied: true }),
  },
  {
    repository: 'google/gemma-3-270m-it',
    title: 'Gemma 3 270M',
    licence: 'gemma',
    gated: true,
    parameters: 268_098_176,
    sizeBytes: 536e6,
    context: 32_768,
    goodFor: 'One narrow task, such as sorting or extracting: it was made to be fine-tuned.',
    languages: 'English, others a little',
    lookedAt: LOOKED_AT,
    config: config('gemma3_text', [640, 2048, 18, 4, 1, 262_144], {
      context: 32_768,
      tied: true,
      sliding_window: 512,
      ...GEMMA,
    }),
  },
  {
    repository: 'HuggingFaceTB/SmolLM2-360M-Instruct',
    title: 'SmolLM2 360M Instruct',
    licence: 'apache-2.0',
    gated: false,
    parameters: 361_821_120,
    sizeBytes: 724e6,
    context: 8192,
    goodFor: 'Short answers and simple rewriting without a graphics card.',
    languages: 'English',
    lookedAt: LOOKED_AT,
    config: config('llama', [960, 2560, 32, 15, 5, 49_152], { context: 8192, tied: true }),
  },
  {
    repository: 'Qwen/Qwen2.5-0.5B-Instruct',
    title: 'Qwen 2.5 0.5B Instruct',
    licence: 'apache-2.0',
    gated: false,
    parameters: 494_032_768,
    sizeBytes: 988e6,
    context: 32_768,
    goodFor: 'A first real fine-tune: extraction, classification, tables and JSON.',
    languages: '29 languages, English and Chinese best',
    lookedAt: LOOKED_AT,
    config: config('qwen2', [896, 4864, 24, 14, 2, 151_936], { context: 32_768, tied: true }),
  },
  {
    repository: 'Qwen/Qwen3-0.6B',
    title: 'Qwen 3 0.6B',
    licence: 'apache-2.0',
    gated: false,
    parameters: 596_049_920,
    sizeBytes: 1.503e9,
    context: 40_960,
    goodFor: 'Small assistants in many languages; it can reason before it answers.',
    languages: '119 languages',
    lookedAt: LOOKED_AT,
    config: config('qwen3', [1024, 3072, 28, 16, 8, 151_936], { context: 40_960, tied: true, head_dim: 128 }),
  },
  {
    repository: 'google/gemma-3-1b-it',
    title: 'Gemma 3 1B',
    licence: 'gemma',
    gated: true,
    parameters: 999_885_952,
    sizeBytes: 2e9,
    context: 32_768,
    goodFor: 'Fluent English in a small model: summaries, replies, a tone of your own.',
    languages: 'English',
    lookedAt: LOOKED_AT,
    config: config('gemma3_text', [1152, 6912, 26, 4, 1, 262_144], {
      context: 32_768,
      tied: true,
      sliding_window: 512,
      ...GEMMA,
    }),
  },
  {
    repository: 'meta-llama/Llama-3.2-1B-Instruct',
    title: 'Llama 3.2 1B Instruct',
    licence: 'llama3.2',
    gated: true,
    parameters: 1_235_814_400,
    sizeBytes: 2.472e9,
    context: 131_072,
    goodFor: 'Summaries and rewriting; many tools and guides know it.',
    languages: '8 languages: English, German, French, Italian, Portuguese, Hindi, Spanish, Thai',
    lookedAt: LOOKED_AT,
    config: config('llama', [2048, 8192, 16, 32, 8, 128_256], { context: 131_072, tied: true, head_dim: 64 }),
  },
  {
    repository: 'allenai/OLMo-2-0425-1B-Instruct',
    title: 'OLMo 2 1B Instruct',
    licence: 'apache-2.0',
    gated: false,
    parameters: 1_484_916_736,
    sizeBytes: 2.97e9,
    context: 4096,
    goodFor: 'Research: its training data and code are public too.',
    languages: 'English',
    lookedAt: LOOKED_AT,
    config: config('olmo2', [2048, 8192, 16, 16, 16, 100_352], { context: 4096, tied: false }),
  },
  {
    repository: 'Qwen/Qwen2.5-1.5B-Instruct',
    title: 'Qwen 2.5 1.5B Instruct',
    licence: 'apache-2.0',
    gated: false,
    parameters: 1_543_714_304,
    sizeBytes: 3.087e9,
    context: 32_768,
    goodFor: 'Extraction, classification and short texts, with more knowledge than the 0.5B.',
    languages: '29 languages, English and Chinese best',
    lookedAt: LOOKED_AT,
    config: config('qwen2', [1536, 8960, 28, 12, 2, 151_936], { context: 32_768, tied: true }),
  },
  {
    repository: 'HuggingFaceTB/SmolLM2-1.7B-Instruct',
    title: 'SmolLM2 1.7B Instruct',
    licence: 'apache-2.0',
    gated: false,
    parameters: 1_711_376_384,
    sizeBytes: 3.423e9,
    context: 8192,
    goodFor: 'Everyday English texts; its training data are public.',
    languages: 'English',
    lookedAt: LOOKED_AT,
    config: config('llama', [2048, 8192, 24, 32, 32, 49_152], { context: 8192, tied: true }),
  },
  {
    repository: 'Qwen/Qwen3-1.7B',
    title: 'Qwen 3 1.7B',
    licence: 'apache-2.0',
    gated: false,
    parameters: 1_720_574_976,
    sizeBytes: 4.063e9,
    context: 40_960,
    goodFor: 'Assistants, extraction and code in many languages on a small graphics card.',
    languages: '119 languages',
    lookedAt: LOOKED_AT,
    config: config('qwen3', [2048, 6144, 28, 16, 8, 151_936], { context: 40_960, tied: true, head_dim: 128 }),
  },
  {
    repository: 'ibm-granite/granite-3.3-2b-instruct',
    title: 'Granite 3.3 2B Instruct',
    licence: 'apache-2.0',
    gated: false,
    parameters: 2_533_539_840,
    sizeBytes: 5.067e9,
    context: 131_072,
    goodFor: 'Work on documents: summaries, questions about a text, calling tools.',
    languages: '12 languages, English best',
    lookedAt: LOOKED_AT,
    config: config('granite', [2048, 8192, 40, 32, 8, 49_159], { context: 131_072, tied: true }),
  },
  {
    repository: 'google/gemma-2-2b-it',
    title: 'Gemma 2 2B',
    licence: 'gemma',
    gated: true,
    parameters: 2_614_341_888,
    sizeBytes: 5.229e9,
    context: 8192,
    goodFor: 'Well-written English texts.',
    languages: 'English',
    lookedAt: LOOKED_AT,
    config: config('gemma2', [2304, 9216, 26, 8, 4, 256_000], {
      context: 8192,
      tied: true,
      sliding_window: 4096,
      attn_logit_softcapping: 50,
      final_logit_softcapping: 30,
      ...GEMMA,
    }),
  },
  {
    repository: 'HuggingFaceTB/SmolLM3-3B',
    title: 'SmolLM3 3B',
    licence: 'apache-2.0',
    gated: false,
    parameters: 3_075_098_624,
    sizeBytes: 6.15e9,
    context: 65_536,
    goodFor: 'An all-round assistant with long texts; data and recipe are public.',
    languages: 'English, French, Spanish, German, Italian, Portuguese',
    lookedAt: LOOKED_AT,
    config: config('smollm3', [2048, 11_008, 36, 16, 4, 128_256], { context: 65_536, tied: true }),
  },
  {
    repository: 'meta-llama/Llama-3.2-3B-Instruct',
    title: 'Llama 3.2 3B Instruct',
    licence: 'llama3.2',
    gated: true,
    parameters: 3_212_749_824,
    sizeBytes: 6.426e9,
    context: 131_072,
    goodFor: 'Dialogue, summaries and rewriting in European languages.',
    languages: '8 languages: English, German, French, Italian, Portuguese, Hindi, Spanish, Thai',
    lookedAt: LOOKED_AT,
    config: config('llama', [3072, 8192, 28, 24, 8, 128_256], { context: 131_072, tied: true, head_dim: 128 }),
  },
  {
    repository: 'microsoft/Phi-4-mini-instruct',
    title: 'Phi-4 mini',
    licence: 'mit',
    gated: false,
    parameters: 3_836_021_760,
    sizeBytes: 7.672e9,
    context: 131_072,
    goodFor: 'Arithmetic, logic and code.',
    languages: '23 languages, English best',
    lookedAt: LOOKED_AT,
    config: config('phi3', [3072, 8192, 32, 24, 8, 200_064], {
      context: 131_072,
      tied: true,
      partial_rotary_factor: 0.75,
    }),
  },
  {
    repository: 'Qwen/Qwen3-4B-Instruct-2507',
    title: 'Qwen 3 4B Instruct',
    licence: 'apache-2.0',
    gated: false,
    parameters: 4_022_468_096,
    sizeBytes: 8.045e9,
    context: 262_144,
    goodFor: 'The strongest of its size for most tasks, in many languages and on long texts.',
    languages: '119 languages',
    lookedAt: LOOKED_AT,
    config: config('qwen3', [2560, 9728, 36, 32, 8, 151_936], { context: 262_144, tied: true, head_dim: 128 }),
  },
  {
    repository: 'Qwen/Qwen3-8B',
    title: 'Qwen 3 8B',
    licence: 'apache-2.0',
    gated: false,
    parameters: 8_190_735_360,
    sizeBytes: 16.381e9,
    context: 40_960,
    goodFor: 'Demanding tasks on a large graphics card; it can reason before it answers.',
    languages: '119 languages',
    lookedAt: LOOKED_AT,
    config: config('qwen3', [4096, 12_288, 36, 32, 8, 151_936], { context: 40_960, tied: false, head_dim: 128 }),
  },
  {
    repository: 'Qwen/Qwen3-14B',
    title: 'Qwen 3 14B',
    licence: 'apache-2.0',
    gated: false,
    parameters: 14_768_307_200,
    sizeBytes: 29.537e9,
    context: 40_960,
    goodFor: 'The most demanding tasks, with a card of 24 GB or more.',
    languages: '119 languages',
    lookedAt: LOOKED_AT,
    config: config('qwen3', [5120, 17_408, 40, 40, 8, 151_936], { context: 40_960, tied: false, head_dim: 128 }),
  },
];
