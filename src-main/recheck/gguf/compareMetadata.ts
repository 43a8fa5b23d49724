/** The keys of a GGUF file against config.json, from llama.cpp's converter once more. */
import { architectureOf } from './ggufPlaces.ts';

type Config = Record<string, unknown>;

/** Reports what differs; returns how many keys were compared. */
export function compareMetadata(
  metadata: Record<string, unknown>,
  config: Config,
  report: (problem: string) => void,
): number {
  const architecture = architectureOf(config);
  let checked = 0;
  const check = (key: string, want: unknown): void => {
    if (want === undefined || want === null) return;
    checked++;
    const got = metadata[key];
    if (!isSame(got, want)) report(`${key} is ${shown(got)} instead of ${shown(want)}`);
  };
  check('general.architecture', architecture);
  for (const [key, want] of Object.entries(wanted(config))) check(`${architecture}.${key}`, want);
  return checked;
}

function wanted(config: Config): Config {
  const of = (...keys: string[]): unknown => keys.map((key) => config[key]).find((value) => typeof value === 'number');
  const heads = of('num_attention_heads', 'n_head');
  const type = String(config['model_type']);
  const isRms = type !== 'gpt2' && type !== 'gpt_neox';
  // A field of another family may stand there and mean nothing.
  return {
    block_count: of('num_hidden_layers', 'n_layer'),
    context_length: of('max_position_embeddings', 'n_positions'),
    embedding_length: of('hidden_size', 'n_embd'),
    feed_forward_length: of('intermediate_size', 'n_inner'),
    'attention.head_count': heads,
    'attention.head_count_kv': (isRms ? of('num_key_value_heads') : undefined) ?? (type === 'gemma3_text' ? 4 : heads),
    'attention.layer_norm_rms_epsilon': isRms ? of('rms_norm_eps') : undefined,
    'attention.layer_norm_epsilon': isRms ? undefined : of('layer_norm_eps', 'layer_norm_epsilon'),
    'rope.freq_base': type === 'gpt2' ? undefined : ropeBase(config),
    'attention.sliding_window': type === 'gemma2' || type === 'gemma3_text' ? of('sliding_window') : undefined,
    'attention.sliding_window_pattern':
      type === 'gemma3_text' ? of('sliding_window_pattern', '_sliding_window_pattern') : undefined,
    'rope.freq_base_swa': type === 'gemma3_text' ? of('rope_local_base_freq') : undefined,
    ...(type === 'granite'
      ? {
          'attention.scale': of('attention_multiplier'),
          embedding_scale: of('embedding_multiplier'),
          residual_scale: of('residual_multiplier'),
          logit_scale: of('logits_scaling'),
        }
      : {}),
    'rope.scaling.factor': stretchOf(config),
    attn_logit_softcapping: of('attn_logit_softcapping'),
    final_logit_softcapping: of('final_logit_softcapping'),
  };
}

/** transformers 5 keeps it among the parameters of the rotary positions. */
function ropeBase(config: Config): unknown {
  const parameters = config['rope_parameters'] as Config | undefined;
  const inner = (parameters?.['full_attention'] as Config | undefined) ?? parameters;
  const base = config['rope_theta'] ?? config['rotary_emb_base'] ?? inner?.['rope_theta'];
  return typeof base === 'number' ? base : (USUAL_BASES[String(config['model_type'])] ?? 10000);
}

const USUAL_BASES: Record<string, number> = { gemma3_text: 1e6, smollm3: 2e6 };

/** By how much linear scaling and YaRN stretch the positions. */
function stretchOf(config: Config): unknown {
  const scaling = (config['rope_scaling'] ?? {}) as Config;
  const type = scaling['rope_type'] ?? scaling['type'];
  const { factor } = scaling;
  return (type === 'linear' || type === 'yarn') && factor !== 1 ? factor : undefined;
}

function isSame(got: unknown, want: unknown): boolean {
  if (typeof want !== 'number') return got === want;
  return typeof got === 'number' && Math.abs(got - want) <= 2 ** -23 * Math.abs(want);
}

function shown(value: unknown): string {
  return value === undefined ? 'missing' : JSON.stringify(value);
}
