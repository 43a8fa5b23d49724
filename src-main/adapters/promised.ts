/**
 * Which layers of a base an adapter_config.json of PEFT's names (target_modules and what narrows them), so that an
 * adapter that lacks some of them, or has others, is not taken for a whole one.
 */
import { z } from 'zod';
import { GraftError } from '../../src-shared/errors.ts';
import { counted } from '../../src-shared/plural.ts';
import { linearModules } from '../engine/model/architecture.ts';
import { headName, tokenEmbeddingName } from '../engine/model/tensorNames.ts';
import { shortPath, type Base } from './content.ts';
import type { AdapterFile } from './files.ts';
import { fullMatcher } from './patterns.ts';
import { peftConfig, peftUnsupported } from './peft.ts';

const names = z.union([z.array(z.string()), z.string()]).nullish();

/** All absent: PEFT has a list of its own per architecture, so the file's modules are taken as they are. */
const schema = z.looseObject({
  target_modules: names,
  exclude_modules: names,
  layers_to_transform: z.union([z.array(z.number().int()), z.number().int()]).nullish(),
  layers_pattern: names,
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
  if (fields.target_modules === null || fields.target_modules === undefined) return;
  refuseOtherTargets(file.configFile, fields, base);
  const isNamed = namedBy(file.configFile, fields);
  const wholes = linearModules(base.spec).filter(({ slice }) => !slice);
  const bare = paths.every((path) => !wholes.some(({ module }) => module === path));
  const known = wholes.map(({ module }) => (bare ? shortPath(module) : module));
  const held = new Set(paths);
  const missing = known.find((path) => isNamed(path) && !held.has(path));
  if (missing !== undefined) {
    const layers = new Set(paths.map((path) => /\.(\d+)\./.exec(path)?.[1])).size;
    throw new GraftError(
      'PEFT_WEIGHTS',
      `The adapter in ${file.dir} lacks ${missing}, which its adapter_config.json names and the base model in ` +
        `${base.dir} has (the file holds ${counted(layers, 'layer')}, the base ${base.spec.layers}); choose the base ` +
        'model it was trained on, or use a complete adapter.',
      { adapter: file.dir, module: missing },
    );
  }
  const unnamed = known.find((path) => held.has(path) && !isNamed(path));
  if (unnamed !== undefined)
    throw new GraftError(
      'PEFT_WEIGHTS',
      `The adapter in ${file.dir} holds ${unnamed}, which its adapter_config.json does not name, so PEFT would leave ` +
        'it out; export the adapter again.',
      { adapter: file.dir, module: unnamed },
    );
}

/** Embedding and head can be named, but not by a linear layer of a block. */
function refuseOtherTargets(file: string, { target_modules: targets }: Fields, { spec }: Base): void {
  if (!Array.isArray(targets)) return;
  const ends = new Map([
    [lastName(tokenEmbeddingName(spec)), 'the token embedding'],
    ['lm_head', 'the output head'],
    ...(spec.tiedHead ? [] : [[lastName(headName(spec)), 'the output head'] as const]),
  ]);
  for (const target of targets) {
    const what = ends.get(target.split('.').at(-1)!);
    if (what) throw peftUnsupported(file, `LoRA on ${what} (${target})`, 'an adapter of linear layers alone');
  }
}

function lastName(tensor: string): string {
  return tensor.split('.').at(-2) ?? tensor;
}

/** As PEFT's check_target_module_exists. */
function namedBy(file: string, fields: Fields): (path: string) => boolean {
  const excluded = inList(file, fields.exclude_modules ?? []);
  const targets = fields.target_modules ?? [];
  if (typeof targets === 'string') {
    const matches = targets.toLowerCase() === 'all-linear' ? () => true : fullMatcher(file, targets);
    return (path) => matches(path) && !excluded(path);
  }
  const listed = inList(file, targets);
  const inLayers = layersNamed(file, fields);
  return (path) => !excluded(path) && (targets.includes(path) || (listed(path) && inLayers(path)));
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
