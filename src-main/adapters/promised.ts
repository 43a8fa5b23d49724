/**
 * Which layers of a base an adapter_config.json of PEFT's names (target_modules and what narrows them), so that an
 * adapter that lacks some of them, or has others, is not taken for a whole one.
 */
import { z } from 'zod';
import { GraftError } from '../../src-shared/errors.ts';
import { counted } from '../../src-shared/plural.ts';
import { linearModules } from '../engine/model/architecture.ts';
import { positionEmbeddingName, tokenEmbeddingName, untiedHeadName } from '../engine/model/tensorNames.ts';
import type { Base } from './content.ts';
import type { AdapterFile } from './files.ts';
import { fullMatcher } from './patterns.ts';
import { peftConfig } from './peft.ts';
import { pathForms } from './releasePaths.ts';

const names = z.union([z.array(z.string()), z.string()]).nullish();

/** All absent: PEFT has a list of its own per architecture, so the file's modules are taken as they are. */
const schema = z.looseObject({
  target_modules: names,
  exclude_modules: names,
  layers_to_transform: z.union([z.array(z.number().int()), z.number().int()]).nullish(),
  layers_pattern: names,
  target_parameters: z.array(z.string()).nullish(),
  ensure_weight_tying: z.boolean().nullish(),
  init_lora_weights: z.unknown().optional(),
});
type Fields = z.output<typeof schema>;

/**
 * `paths`: the modules in the file. Throws PEFT_WEIGHTS where the base has layers that the configuration names and the
 * file lacks, or the file has some that it does not name; PEFT_CONFIG for fields that cannot be read.
 */
export function checkPromised(
  file: Pick<AdapterFile, 'dir' | 'configFile' | 'configText'>,
  base: Base,
  paths: string[],
): void {
  const fields = peftConfig(file, schema);
  if ((fields.target_modules ?? undefined) === undefined && !fields.target_parameters?.length) return;
  const { linear, others } = modulesOf(base);
  const forms = pathForms(base.spec);
  const isHeld = (form: (path: string) => string): boolean => {
    const all = new Set([...linear, ...others].map(form));
    return paths.some((path) => all.has(path));
  };
  const form = forms.find(isHeld) ?? forms[0]!;
  const asHeld = (all: string[]): string[] => all.map(form);
  const layers = new Set(asHeld(linear));
  const known = [...layers, ...asHeld(others)];
  const isNamed = namedBy(file.configFile, fields, layers);
  const held = new Set(paths);
  const heldLayers = new Set(paths.flatMap((path) => layerOf(path) ?? []));
  // EVA moves ranks to where the data varies most, and a matrix that is left with none stays as it was.
  const mayLack = (path: string): boolean => fields.init_lora_weights === 'eva' && heldLayers.has(layerOf(path) ?? '');
  const missing = known.find((path) => isNamed(path) && !held.has(path) && !mayLack(path));
  if (missing !== undefined) {
    throw new GraftError(
      'PEFT_WEIGHTS',
      `The adapter in ${file.dir} lacks ${missing}, which its adapter_config.json names and the base model in ` +
        `${base.dir} has (the file holds ${counted(heldLayers.size, 'layer')}, the base ${base.spec.layers}); choose ` +
        'the base model it was trained on, or use a complete adapter.',
      { adapter: file.dir, module: missing },
    );
  }
  // Kept tied, the head is saved along with the embedding.
  const follows = fields.ensure_weight_tying ? untiedHeadName(base.spec).slice(0, -'.weight'.length) : undefined;
  const unnamed = known.find((path) => held.has(path) && !isNamed(path) && path !== follows);
  if (unnamed !== undefined)
    throw new GraftError(
      'PEFT_WEIGHTS',
      `The adapter in ${file.dir} holds ${unnamed}, which its adapter_config.json does not name, so PEFT would leave ` +
        'it out; export the adapter again.',
      { adapter: file.dir, module: unnamed },
    );
}

function layerOf(path: string): string | undefined {
  return /\.(\d+)\./.exec(path)?.[1];
}

/** Module paths that the base has: its linear layers, and its embeddings and head. */
function modulesOf({ spec, tensors }: Base): { linear: string[]; others: string[] } {
  const embeddings = [
    tokenEmbeddingName(spec),
    ...(spec.positions === 'learned' ? [positionEmbeddingName(spec)] : []),
  ].filter((name) => tensors.has(name));
  return {
    linear: linearModules(spec).flatMap(({ module, slice }) => (slice ? [] : [module])),
    others: [...embeddings, untiedHeadName(spec)].map((name) => name.slice(0, -'.weight'.length)),
  };
}

/** As PEFT's check_target_module_exists. `linear`: what all-linear stands for. */
function namedBy(file: string, fields: Fields, linear: ReadonlySet<string>): (path: string) => boolean {
  const excluded = inList(file, fields.exclude_modules ?? []);
  const targets = fields.target_modules ?? [];
  const byWeight = inList(file, fields.target_parameters ?? []);
  if (typeof targets === 'string') {
    const all = targets.toLowerCase() === 'all-linear';
    const matches = all ? (path: string): boolean => linear.has(path) : fullMatcher(file, targets);
    return (path) => (matches(path) && !excluded(path)) || byWeight(`${path}.weight`);
  }
  const listed = inList(file, targets);
  const inLayers = layersNamed(file, fields);
  return (path) =>
    byWeight(`${path}.weight`) || (!excluded(path) && (targets.includes(path) || (listed(path) && inLayers(path))));
}

/** A pattern for whole paths, or a list of their ends. */
function inList(file: string, wanted: string[] | string): (path: string) => boolean {
  if (typeof wanted === 'string') return fullMatcher(file, wanted);
  return (path) => wanted.some((name) => path === name || path.endsWith(`.${name}`));
}

function layersNamed(file: string, { layers_to_transform: layers, layers_pattern: pattern }: Fields) {
  const wanted = typeof layers === 'number' ? [layers] : (layers ?? []);
  if (wanted.length === 0) return () => true;
  const patterns = (typeof pattern === 'string' ? [pattern] : (pattern ?? [])).filter((one) => one !== '');
  // The number follows the name of the list of layers, which is any name where none is given.
  const places = patterns.map((one) => fullMatcher(file, `.*\\.?(?:${one})\\.(?:${wanted.join('|')})\\..*`));
  const any = (path: string): boolean => wanted.includes(Number(/\.(\d+)\./.exec(path)?.[1]));
  return (path: string): boolean => (places.length > 0 ? places.some((matches) => matches(path)) : any(path));
}
