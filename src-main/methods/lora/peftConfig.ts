/**
 * adapter_config.json of the PEFT library: reading it, refusing what Graft cannot apply faithfully, the scale of each
 * module, and the full set of fields that PEFT 0.20 writes.
 */
import { z } from 'zod';
import { GraftError } from '../../../src-shared/errors.ts';
import { shownValue } from '../../../src-shared/shownValue.ts';
import {
  byPattern,
  compilePatterns,
  isOff,
  peftConfig,
  peftUnsupported,
  PEFT_VERSION,
  sortedConfig,
} from '../../adapters/peft.ts';

const tokenId = z.number().int().min(0);
const settings = {
  r: z.number().int().min(1).default(8),
  lora_alpha: z.number().default(8),
  lora_dropout: z.number().default(0),
  target_modules: z.union([z.array(z.string()), z.string()]).nullish(),
  rank_pattern: z
    .record(z.string(), z.number().int().min(1))
    .nullish()
    .transform((value) => value ?? {}),
  alpha_pattern: z
    .record(z.string(), z.number())
    .nullish()
    .transform((value) => value ?? {}),
  use_rslora: z.boolean().default(false),
  use_dora: z.boolean().default(false),
  bias: z.enum(['none', 'all', 'lora_only']).default('none'),
  fan_in_fan_out: z.boolean().default(false),
  base_model_name_or_path: z
    .string()
    .nullish()
    .transform((value) => value ?? null),
  init_lora_weights: z.union([z.boolean(), z.string()]).default(true),
  lora_bias: z.boolean().default(false),
  modules_to_save: z.array(z.string()).nullish(),
  /** Ids, of the token embedding or by the module's name. */
  trainable_token_indices: z
    .union([z.array(tokenId), z.record(z.string(), z.array(tokenId))])
    .nullish()
    .transform((value) => (Array.isArray(value) && value.length === 0 ? null : value)),
  ensure_weight_tying: z.boolean().default(false),
};

const rawSchema = z.looseObject({}).catch({});
/** The fields Graft reads; unknown fields of other PEFT versions are kept. */
const configSchema = z.looseObject(settings);
export type PeftConfig = z.infer<typeof configSchema>;

/** What a writer chooses; everything else has PEFT's default. */
export interface PeftConfigInput {
  r: number;
  lora_alpha: number;
  lora_dropout: number;
  /** Names as PEFT matches them: a module path or its last parts, e.g. `q_proj`. */
  target_modules: string[];
  /** True for weights stored (in, out), i.e. GPT-2's Conv1D. */
  fan_in_fan_out: boolean;
  base_model_name_or_path: string | null;
  rank_pattern?: Record<string, number>;
  alpha_pattern?: Record<string, number>;
  use_rslora?: boolean;
  use_dora?: boolean;
  bias?: 'none' | 'all' | 'lora_only';
  /** 0-based layers that are adapted; null: all. */
  layers_to_transform?: number[] | null;
  init_lora_weights?: boolean | 'gaussian';
  task_type?: 'CAUSAL_LM' | 'SEQ_CLS';
  modules_to_save?: string[] | null;
}

/** Initialisations that change the base model's weights, so that the adapter does not fit the weights on disk. */
const BASE_CHANGING_INIT = /^(pissa|olora|corda|loftq|lora_ga)/;

/** Fields that must be off (null, false or empty), and what each of them turns on. */
const MUST_BE_OFF: Record<string, string> = {
  use_qalora: 'QALoRA',
  use_bdlora: 'block-diagonal LoRA',
  layer_replication: 'replicated layers (layer_replication)',
  alora_invocation_tokens: 'activated LoRA (alora_invocation_tokens)',
  arrow_config: 'Arrow routing',
  monteclora_config: 'MonteCLoRA',
  kasa_config: 'KaSA',
};

/**
 * Parses the text of `file` (an adapter_config.json).
 * Throws GraftError PEFT_CONFIG (not JSON, a field that does not fit) or PEFT_UNSUPPORTED (a method Graft cannot
 * apply).
 */
export function parsePeftConfig(file: string, text: string): PeftConfig {
  const raw = peftConfig({ configFile: file, configText: text }, rawSchema);
  refuseUnsupported(file, raw);
  const config = peftConfig({ configFile: file, configText: text }, configSchema);
  for (const patterns of [config.rank_pattern, config.alpha_pattern]) compilePatterns(file, patterns);
  return config;
}

function refuseUnsupported(file: string, raw: Record<string, unknown>): void {
  const refuse = (field: string, what: string): GraftError =>
    peftUnsupported(file, what, 'a plain LoRA adapter', field, raw[field]);
  if (raw['peft_type'] !== 'LORA') throw refuse('peft_type', `peft_type ${shownValue(raw['peft_type'] ?? null)}`);
  for (const [field, what] of Object.entries(MUST_BE_OFF)) if (!isOff(raw[field])) throw refuse(field, what);
  refuseParameters(file, raw);
  const init = raw['init_lora_weights'];
  if (typeof init === 'string' && BASE_CHANGING_INIT.test(init)) {
    throw new GraftError(
      'PEFT_UNSUPPORTED',
      `${file}: the adapter was initialised with ${init.slice(0, 40)}, which also changes the base model; convert it ` +
        'to plain LoRA first (PEFT: save_pretrained with path_initial_model_for_weight_conversion).',
      { file, field: 'init_lora_weights', got: init },
    );
  }
}

/** A bare parameter that is a layer's weight is adapted as the layer is; experts in one tensor are not. */
function refuseParameters(file: string, raw: Record<string, unknown>): void {
  const names = raw['target_parameters'];
  if (isOff(names)) return;
  const weights = Array.isArray(names) && names.every((name) => typeof name === 'string' && name.endsWith('.weight'));
  const patterned = ['rank_pattern', 'alpha_pattern'].some((field) => Object.keys(raw[field] ?? {}).length > 0);
  if (weights && !patterned) return;
  throw peftUnsupported(
    file,
    `adapted bare parameters (target_parameters)${weights ? ' with ranks or alphas of single ones' : ''}`,
    'a plain LoRA adapter',
    'target_parameters',
    names,
  );
}

/** Whether the head of a classifier is among the modules that are saved whole, under the names that PEFT looks for. */
export function isClassifier(raw: Record<string, unknown>): boolean {
  const saved = raw['modules_to_save'];
  return (
    raw['task_type'] === 'SEQ_CLS' &&
    Array.isArray(saved) &&
    saved.some((name) => name === 'score' || name === 'classifier')
  );
}

type ScaleFields = Pick<PeftConfig, 'r' | 'lora_alpha'> &
  Partial<Pick<PeftConfig, 'rank_pattern' | 'alpha_pattern' | 'use_rslora'>>;

/** Rank r of one module. `modulePath` as in `model.layers.0.self_attn.q_proj`. */
export function moduleRank(config: ScaleFields, modulePath: string): number {
  return byPattern(config.rank_pattern ?? {}, modulePath, config.r);
}

/**
 * Scale of one module: alpha/r, or alpha/sqrt(r) with rsLoRA (Kalajdzievski 2023); rank_pattern and alpha_pattern
 * apply.
 */
export function moduleScale(config: ScaleFields, modulePath: string): number {
  const rank = moduleRank(config, modulePath);
  const alpha = byPattern(config.alpha_pattern ?? {}, modulePath, config.lora_alpha);
  return config.use_rslora ? alpha / Math.sqrt(rank) : alpha / rank;
}

/** adapter_config.json with every field that PEFT 0.20.0 writes, in its (alphabetic) order. */
export function fullPeftConfig(input: PeftConfigInput): Record<string, unknown> {
  const config: Record<string, unknown> = {
    alora_invocation_tokens: null,
    arrow_config: null,
    auto_mapping: null,
    bias: 'none',
    corda_config: null,
    ensure_weight_tying: false,
    eva_config: null,
    exclude_modules: null,
    inference_mode: true,
    layer_replication: null,
    layers_pattern: null,
    layers_to_transform: null,
    loftq_config: {},
    lora_bias: false,
    lora_ga_config: null,
    megatron_config: null,
    megatron_core: 'megatron.core',
    modules_to_save: null,
    monteclora_config: null,
    peft_type: 'LORA',
    peft_version: PEFT_VERSION,
    qalora_group_size: 16,
    revision: null,
    target_parameters: null,
    task_type: 'CAUSAL_LM',
    trainable_token_indices: null,
    use_bdlora: null,
    use_dora: false,
    use_qalora: false,
    velora_config: null,
    rank_pattern: {},
    alpha_pattern: {},
    use_rslora: false,
    init_lora_weights: true,
    ...input,
  };
  return sortedConfig(config);
}
