/**
 * What the folders of the Python PEFT library have in common, whatever the method: adapter_config.json, the names of
 * its tensors, and patterns that single out modules.
 */
import { z } from 'zod';
import { GraftError } from '../../src-shared/errors.ts';
import { parseJson } from '../files/parseJson.ts';
import { adapterWeightsError, type AdapterFile, type NamedTensor } from './files.ts';

/** What stands before every name of PEFT's. */
export const PEFT_PREFIX = 'base_model.model.';
export const PEFT_VERSION = '0.20.0';

/** `peft_type` of a folder of PEFT's. Throws PEFT_CONFIG where the configuration is not JSON. */
export function peftTypeOf(file: AdapterFile): unknown {
  const json = peftJson(file);
  return typeof json === 'object' && json !== null && 'peft_type' in json ? json.peft_type : undefined;
}

function peftJson({ configFile, configText }: Pick<AdapterFile, 'configFile' | 'configText'>): unknown {
  const json = parseJson(configText ?? '');
  if ('value' in json) return json.value;
  throw new GraftError('PEFT_CONFIG', `${configFile} ${json.problem}; export the adapter again.`, { file: configFile });
}

/** The configuration by a method's own schema. Throws GraftError PEFT_CONFIG naming the field that does not fit. */
export function peftConfig<S extends z.ZodType>(
  file: Pick<AdapterFile, 'configFile' | 'configText'>,
  schema: S,
): z.output<S> {
  const parsed = schema.safeParse(peftJson(file));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const field = issue.path.join('.');
  throw new GraftError(
    'PEFT_CONFIG',
    `${file.configFile}: field ${field} does not fit (${issue.message}); export the adapter again.`,
    { file: file.configFile, field },
  );
}

export const patternSchema = z
  .record(z.string(), z.number())
  .nullish()
  .transform((value) => value ?? {});

/** Throws GraftError PEFT_UNSUPPORTED. `instead`: what to use. */
export function peftUnsupported(
  file: string,
  what: string,
  instead: string,
  field?: string,
  got?: unknown,
): GraftError {
  return new GraftError(
    'PEFT_UNSUPPORTED',
    `${file}: the adapter uses ${what}, which Graft cannot apply; use ${instead}.`,
    field === undefined ? { file } : { file, field, got: got ?? null },
  );
}

export function isOff(value: unknown): boolean {
  return value === undefined || value === null || value === false || (Array.isArray(value) && value.length === 0);
}

export function patternOf(file: string, pattern: string): RegExp {
  try {
    return new RegExp(`^(.*\\.)?(${pattern})$`);
  } catch {
    throw new GraftError(
      'PEFT_CONFIG',
      `${file}: pattern ${JSON.stringify(pattern)} is not a valid regular expression; correct rank_pattern or ` +
        'alpha_pattern.',
      { file, pattern },
    );
  }
}

/** The value of the first pattern that matches the end of `modulePath` at a dot, as PEFT's get_pattern_key. */
export function byPattern(patterns: Record<string, number>, modulePath: string, fallback: number): number {
  const key = Object.keys(patterns).find((pattern) => patternOf('adapter_config.json', pattern).test(modulePath));
  return key === undefined ? fallback : patterns[key]!;
}

/**
 * Tensors called `base_model.model.<module path>.<part>`, by module path. Throws GraftError PEFT_WEIGHTS for other
 * names, and for an empty file. `kind`: what the adapter is, for the message.
 */
export function peftModules(
  { weightsFile, tensors }: AdapterFile,
  known: readonly string[],
  kind: { name: string; article: string },
): Map<string, Record<string, NamedTensor>> {
  const modules = new Map<string, Record<string, NamedTensor>>();
  for (const [name, tensor] of tensors) {
    const at = name.lastIndexOf('.');
    const [path, part] = [name.slice(PEFT_PREFIX.length, at), name.slice(at + 1)];
    if (!name.startsWith(PEFT_PREFIX) || !known.includes(part))
      throw adapterWeightsError(weightsFile, name, `is not a part of ${kind.article} ${kind.name} of a linear layer`);
    modules.set(path, { ...modules.get(path), [part]: tensor });
  }
  if (modules.size === 0) throw adapterWeightsError(weightsFile, 'the file', `holds no ${kind.name}`);
  return modules;
}

/** Fields in the alphabetic order in which PEFT writes them. */
export function sortedConfig(config: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(config).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * Where a PEFT config's modules are: short names in chosen layers; with single matrices left out, the full path of
 * each, which names nothing else.
 */
export function peftPlaces(
  modules: { module: string; peftName: string }[],
  { layers, exclude }: { layers?: number[] | undefined; exclude?: string[] | undefined },
): { target_modules: string[]; layers_to_transform: number[] | null } {
  if (exclude) return { target_modules: modules.map(({ module }) => module), layers_to_transform: null };
  return {
    target_modules: [...new Set(modules.map(({ peftName }) => peftName))],
    layers_to_transform: layers ? [...layers].sort((a, b) => a - b) : null,
  };
}
