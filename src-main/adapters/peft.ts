/**
 * What the folders of the Python PEFT library have in common, whatever the method: adapter_config.json, the names of
 * its tensors, and patterns that single out modules.
 */
import { z } from 'zod';
import { GraftError } from '../../src-shared/errors.ts';
import { shownValue } from '../../src-shared/shownValue.ts';
import { parseJson } from '../files/parseJson.ts';
import { adapterWeightsError, type AdapterFile, type NamedTensor } from './files.ts';
import { endMatcher, LITERAL } from './patterns.ts';
import { TEXT_PREFIX } from '../engine/model/multimodal.ts';
import { PEFT_PREFIX } from './releasePaths.ts';

export { PEFT_PREFIX };

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

/** Null is what Python writes for a field that is not set, so it counts as absent. */
function withoutNulls(json: unknown): unknown {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return json;
  return Object.fromEntries(Object.entries(json).filter(([, value]) => value !== null));
}

/** The configuration by a method's own schema. Throws GraftError PEFT_CONFIG naming the field that does not fit. */
export function peftConfig<S extends z.ZodType>(
  file: Pick<AdapterFile, 'configFile' | 'configText'>,
  schema: S,
): z.output<S> {
  const json = peftJson(file);
  const parsed = schema.safeParse(withoutNulls(json));
  if (parsed.success) return parsed.data;
  const { field, want, got } = misfitOf(parsed.error.issues[0]!, json);
  throw new GraftError(
    'PEFT_CONFIG',
    field === ''
      ? `${file.configFile} is not a JSON object; export the adapter again.`
      : `${file.configFile}: field ${field} is ${shownValue(got)}, but ${want} is needed; export the adapter again.`,
    { file: file.configFile, field },
  );
}

const KINDS: Record<string, string> = {
  number: 'a number',
  int: 'a whole number',
  string: 'a text',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};

/** The first field that does not fit, in words. */
function misfitOf(issue: z.core.$ZodIssue, json: unknown): { field: string; want: string; got: unknown } {
  const got = issue.path.reduce<unknown>(
    (value, key) => (typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined),
    json,
  );
  const want =
    issue.code === 'invalid_type'
      ? KINDS[issue.expected]
      : issue.code === 'too_small'
        ? `at least ${issue.minimum}`
        : issue.code === 'invalid_value'
          ? `one of ${shownValue(issue.values)}`
          : undefined;
  return { field: issue.path.join('.'), want: want ?? 'another value', got: got ?? null };
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

type Compiled = { matches: (path: string) => boolean; value: number }[];

/** One per matrix of the largest models, which are names; expressions are few, and cost more. */
const MOST_PATTERNS = 20_000;
const MOST_EXPRESSIONS = 100;
/** By the record that holds the patterns, which are asked for once per module. */
const compiled = new WeakMap<Record<string, number>, Compiled>();

/** rank_pattern or alpha_pattern, ready to match. Throws PEFT_CONFIG for a pattern that cannot be used. */
export function compilePatterns(file: string, patterns: Record<string, number>): Compiled {
  const known = compiled.get(patterns);
  if (known) return known;
  const entries = Object.entries(patterns);
  const expressions = entries.filter(([pattern]) => !LITERAL.test(pattern)).length;
  if (entries.length > MOST_PATTERNS || expressions > MOST_EXPRESSIONS)
    throw new GraftError(
      'PEFT_CONFIG',
      `${file}: rank_pattern or alpha_pattern has ${entries.length} patterns, ${expressions} of them regular ` +
        `expressions, more than the ${MOST_PATTERNS} and ${MOST_EXPRESSIONS} that are followed; export the adapter ` +
        'again.',
      { file },
    );
  const fresh = entries.map(([pattern, value]) => ({ matches: endMatcher(file, pattern), value }));
  compiled.set(patterns, fresh);
  return fresh;
}

/** The value of the first pattern that matches the end of `modulePath` at a dot, as PEFT's get_pattern_key. */
export function byPattern(patterns: Record<string, number>, modulePath: string, fallback: number): number {
  const found = compilePatterns('adapter_config.json', patterns).find(({ matches }) => matches(modulePath));
  return found?.value ?? fallback;
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

/** Whether short names would name layers of the other parts of a multimodal release as well. */
export function needsFullPaths(modules: { module: string }[]): boolean {
  return modules.some(({ module }) => module.startsWith(TEXT_PREFIX));
}

/**
 * Where a PEFT config's modules are: short names in chosen layers; with single matrices left out, or other parts that
 * have such layers, the full path of each, which names nothing else.
 */
export function peftPlaces(
  modules: { module: string; peftName: string }[],
  { layers, exclude }: { layers?: number[] | undefined; exclude?: string[] | undefined },
): { target_modules: string[]; layers_to_transform: number[] | null } {
  if (exclude || needsFullPaths(modules))
    return { target_modules: modules.map(({ module }) => module), layers_to_transform: null };
  return {
    target_modules: [...new Set(modules.map(({ peftName }) => peftName))],
    layers_to_transform: layers ? [...layers].sort((a, b) => a - b) : null,
  };
}
