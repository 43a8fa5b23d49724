/**
 * LoKr and LoHa adapters in PEFT's format: adapter_config.json, and keys `base_model.model.<module path>.lokr_w1` and
 * so on, without `.weight`. PEFT has both for nn.Linear only, so never for GPT-2, whose layers are Conv1D.
 */
import { z } from 'zod';
import { GraftError } from '../../src-shared/errors.ts';
import { LOHA_PARTS, type LokrPart } from '../methods/shapes.ts';
import {
  adapterWeightsError,
  writeAdapterFile,
  type AdapterFile,
  type NamedTensor,
  type NamedTensors,
} from './files.ts';
import type { GraftAdapterInfo } from './graftInfo.ts';
import { PEFT_PREFIX } from './peftLora.ts';
import { byPattern, patternOf } from './peftConfig.ts';
import type { WrittenFile } from '../safetensors/write.ts';

export interface LycorisModule {
  /** By PEFT's names, e.g. `hada_w1_a`. */
  parts: NamedTensors;
  /** alpha/r. */
  scale: number;
}

export interface LycorisAdapter {
  type: 'lokr' | 'loha';
  /** Absolute path. */
  dir: string;
  /** By module path. */
  modules: Map<string, LycorisModule>;
  graft?: GraftAdapterInfo;
  readonly sha256: string;
  sizeBytes: number;
}

const pattern = z
  .record(z.string(), z.number())
  .nullish()
  .transform((value) => value ?? {});
const configSchema = z.looseObject({
  r: z.number().int().min(1),
  alpha: z.number(),
  rank_pattern: pattern,
  alpha_pattern: pattern,
  init_weights: z.unknown().optional(),
  modules_to_save: z.array(z.string()).nullish(),
  use_khatri_rao: z.unknown().optional(),
  r2: z.number().nullish(),
});

const LOKR_PARTS: readonly string[] = ['lokr_w1', 'lokr_w2', 'lokr_w2_a', 'lokr_w2_b'] satisfies LokrPart[];
/** PEFT's decompose_both: W1 as a product too. */
const LOKR_W1_FACTORS = ['lokr_w1_a', 'lokr_w1_b'] as const;

/** Throws GraftError PEFT_CONFIG, PEFT_UNSUPPORTED (ABBA, saved modules), PEFT_WEIGHTS. */
export function asLycorisAdapter(file: AdapterFile, type: LycorisAdapter['type']): LycorisAdapter {
  const config = parseConfig(file);
  const modules = new Map<string, NamedTensors>();
  const known: readonly string[] = type === 'loha' ? LOHA_PARTS : [...LOKR_PARTS, ...LOKR_W1_FACTORS];
  for (const [name, tensor] of file.tensors) {
    const at = name.lastIndexOf('.');
    const [path, part] = [name.slice(PEFT_PREFIX.length, at), name.slice(at + 1)];
    if (!name.startsWith(PEFT_PREFIX) || !known.includes(part))
      throw adapterWeightsError(
        file.weightsFile,
        name,
        `is not a part of a ${type === 'loha' ? 'LoHa' : 'LoKr'} of a linear layer`,
      );
    if (tensor.shape.length !== 2)
      throw adapterWeightsError(
        file.weightsFile,
        name,
        `has shape [${tensor.shape.join(', ')}] instead of two dimensions`,
      );
    if (!modules.has(path)) modules.set(path, new Map());
    modules.get(path)!.set(part, tensor);
  }
  if (modules.size === 0) throw adapterWeightsError(file.weightsFile, 'the file', `holds no ${type}`);
  const scaleOf = (path: string): number =>
    byPattern(config.alpha_pattern, path, config.alpha) / byPattern(config.rank_pattern, path, config.r);
  return {
    type,
    dir: file.dir,
    modules: new Map([...modules].map(([path, parts]) => [path, { parts: withWholeW1(parts), scale: scaleOf(path) }])),
    ...(file.graft ? { graft: file.graft } : {}),
    sizeBytes: file.sizeBytes,
    get sha256() {
      return file.sha256;
    },
  };
}

function parseConfig({ configFile, configText }: AdapterFile): z.output<typeof configSchema> {
  const parsed = configSchema.safeParse(JSON.parse(configText!));
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw new GraftError(
      'PEFT_CONFIG',
      `${configFile}: field ${issue.path.join('.')} does not fit (${issue.message}); export the adapter again.`,
      { file: configFile, field: issue.path.join('.') },
    );
  }
  const { data } = parsed;
  const refuse = (what: string): GraftError =>
    new GraftError(
      'PEFT_UNSUPPORTED',
      `${configFile}: the adapter uses ${what}, which Graft cannot apply; use a plain LoRA, LoKr or LoHa adapter.`,
      { file: configFile },
    );
  if (data.modules_to_save?.length) throw refuse('whole trained modules (modules_to_save)');
  if (data.init_weights === 'abba' || data.use_khatri_rao === true || (data.r2 ?? data.r) !== data.r)
    throw refuse('ABBA');
  for (const key of [...Object.keys(data.rank_pattern), ...Object.keys(data.alpha_pattern)]) patternOf(configFile, key);
  return data;
}

function withWholeW1(parts: NamedTensors): NamedTensors {
  const [a, b] = LOKR_W1_FACTORS.map((name) => parts.get(name));
  if (!a || !b) return parts;
  return new Map([['lokr_w1', product(a, b)], ...[...parts].filter(([name]) => LOKR_PARTS.includes(name))]);
}

function product(
  { shape: [rows, inner], data: a }: NamedTensor,
  { shape: [, columns], data: b }: NamedTensor,
): NamedTensor {
  const data = Float32Array.from({ length: rows! * columns! }, (_, at) => {
    let sum = 0;
    for (let k = 0; k < inner!; k++)
      sum += a[Math.floor(at / columns!) * inner! + k]! * b[k * columns! + (at % columns!)]!;
    return sum;
  });
  return { shape: [rows!, columns!], data };
}

export interface LycorisConfigInput {
  r: number;
  alpha: number;
  target_modules: string[];
  layers_to_transform: number[] | null;
  base_model_name_or_path: string | null;
  /** LoKr's; -1: as square as the sizes allow. */
  decompose_factor?: number;
}

/** adapter_config.json with every field of PEFT's LoKrConfig or LoHaConfig, in alphabetic order. */
export function fullLycorisConfig(type: LycorisAdapter['type'], input: LycorisConfigInput): Record<string, unknown> {
  const config: Record<string, unknown> = {
    alpha_pattern: {},
    auto_mapping: null,
    exclude_modules: null,
    inference_mode: true,
    init_weights: true,
    layers_pattern: null,
    module_dropout: 0,
    modules_to_save: null,
    peft_type: type.toUpperCase(),
    peft_version: '0.20.0',
    rank_dropout: 0,
    rank_pattern: {},
    revision: null,
    task_type: 'CAUSAL_LM',
    use_effective_conv2d: false,
    ...(type === 'lokr' ? { decompose_both: false, decompose_factor: -1, rank_dropout_scale: false } : {}),
    ...input,
  };
  return Object.fromEntries(Object.entries(config).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Writes a folder that PEFT loads as it is. Throws as writeAdapterFile. */
export async function writeLycorisAdapter(
  dir: string,
  type: LycorisAdapter['type'],
  adapter: { config: LycorisConfigInput; modules: Map<string, NamedTensors>; graft?: GraftAdapterInfo },
): Promise<WrittenFile> {
  const tensors: NamedTensors = new Map();
  for (const [path, parts] of adapter.modules)
    for (const [part, tensor] of parts) tensors.set(`${PEFT_PREFIX}${path}.${part}`, tensor);
  return writeAdapterFile(dir, { config: fullLycorisConfig(type, adapter.config), tensors, graft: adapter.graft });
}
