/**
 * What LoKr and LoHa share in PEFT's format: adapter_config.json, and keys `base_model.model.<module path>.lokr_w1` and
 * so on, without `.weight`. PEFT has both for nn.Linear only, so never for GPT-2, whose layers are Conv1D.
 */
import { z } from 'zod';
import type { TargetSettings } from '../../src-shared/methods/method.ts';
import type { AdapterSettings } from '../../src-shared/methods/registry.ts';
import type { Target } from '../../src-shared/targets.ts';
import { contentOf, layersOf, type Base, type Cell } from '../adapters/content.ts';
import { adapterWeightsError, type AdapterFile } from '../adapters/files.ts';
import {
  byPattern,
  compilePatterns,
  patternSchema,
  peftConfig,
  peftModules,
  peftPlaces,
  peftUnsupported,
  PEFT_VERSION,
  sortedConfig,
} from '../adapters/peft.ts';
import { checkPromised } from '../adapters/promised.ts';
import { storedFrom, type StoredAdapter } from '../adapters/stored.ts';
import type { LinearModule } from '../engine/model/architecture.ts';
import { targetsOf } from './targets.ts';

const configSchema = z.looseObject({
  r: z.number().int().min(1).default(8),
  alpha: z.number().default(8),
  rank_pattern: patternSchema,
  alpha_pattern: patternSchema,
  init_weights: z.unknown().optional(),
  modules_to_save: z.array(z.string()).nullish(),
  use_khatri_rao: z.unknown().optional(),
  r2: z.number().nullish(),
});

export interface LycorisReader {
  name: 'LoKr' | 'LoHa';
  /** Names of the parts that PEFT may write. */
  known: readonly string[];
  /** Puts together what PEFT keeps in pieces. */
  whole?(parts: Cell['parts']): Cell['parts'];
  /** Throws where a cell is not complete or does not fit its layer. */
  check(dir: string, cell: Cell, base: Base): void;
  settings(shared: { rank: number; alpha: number; targets: Target[]; layers?: number[] }): AdapterSettings;
}

/** Throws GraftError PEFT_CONFIG, PEFT_UNSUPPORTED (ABBA, saved modules), PEFT_WEIGHTS. */
export function readLycoris(file: AdapterFile, reader: LycorisReader): StoredAdapter {
  const config = parseConfig(file);
  const modules = peftModules(file, reader.known, { name: reader.name, article: 'a' });
  for (const [path, parts] of modules)
    for (const [part, { shape }] of Object.entries(parts))
      if (shape.length !== 2)
        throw adapterWeightsError(
          file.weightsFile,
          `${path}.${part}`,
          `has shape [${shape.join(', ')}] instead of two dimensions`,
        );
  const scaleOf = (path: string): number =>
    byPattern(config.alpha_pattern, path, config.alpha) / byPattern(config.rank_pattern, path, config.r);
  return storedFrom(file, null, (base) => {
    const layer = layersOf(file.dir, base);
    const cells = [...modules].map(([path, parts]): Cell => {
      const cell = { module: layer(path), scale: scaleOf(path), parts: reader.whole?.(parts) ?? parts };
      reader.check(file.dir, cell, base);
      return cell;
    });
    checkPromised(file, base, [...modules.keys()]);
    const settings = reader.settings({ rank: config.r, alpha: config.alpha, ...targetsOf(cells, base.spec) });
    return contentOf(settings, { cells });
  });
}

function parseConfig(file: AdapterFile): z.output<typeof configSchema> {
  const { configFile } = file;
  const config = peftConfig(file, configSchema);
  const refuse = (what: string) => peftUnsupported(configFile, what, 'a plain LoRA, LoKr or LoHa adapter');
  if (config.modules_to_save?.length) throw refuse('whole trained modules (modules_to_save)');
  if (config.init_weights === 'abba' || config.use_khatri_rao === true || (config.r2 ?? config.r) !== config.r)
    throw refuse('ABBA');
  for (const patterns of [config.rank_pattern, config.alpha_pattern]) compilePatterns(configFile, patterns);
  return config;
}

export interface LycorisConfigInput {
  r: number;
  alpha: number;
  target_modules: string[];
  layers_to_transform: number[] | null;
  base_model_name_or_path: string | null;
}

/** Fields of LoKrConfig that LoHaConfig does not have. */
export interface LokrConfigFields {
  /** -1: as square as the sizes allow. */
  decompose_factor: number;
  decompose_both: boolean;
  rank_dropout_scale: boolean;
}

/** adapter_config.json with every field of PEFT's LoKrConfig or LoHaConfig, in alphabetic order. */
export function fullLycorisConfig(
  peftType: 'LOKR' | 'LOHA',
  input: LycorisConfigInput & Partial<LokrConfigFields>,
): Record<string, unknown> {
  return sortedConfig({
    alpha_pattern: {},
    auto_mapping: null,
    exclude_modules: null,
    inference_mode: true,
    init_weights: true,
    layers_pattern: null,
    module_dropout: 0,
    modules_to_save: null,
    peft_type: peftType,
    peft_version: PEFT_VERSION,
    rank_dropout: 0,
    rank_pattern: {},
    revision: null,
    task_type: 'CAUSAL_LM',
    use_effective_conv2d: false,
    ...input,
  });
}

/** What the settings and the adapted layers say. */
export function lycorisFields(
  cells: { module: LinearModule }[],
  settings: TargetSettings & { rank: number; alpha: number },
  baseDir: string,
): LycorisConfigInput {
  return {
    r: settings.rank,
    alpha: settings.alpha,
    ...peftPlaces(
      cells.map(({ module }) => module),
      settings,
    ),
    base_model_name_or_path: baseDir,
  };
}
