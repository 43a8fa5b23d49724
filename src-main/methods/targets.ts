/**
 * Which linear layers a method adapts, with which ranks, and whether they fit. Needs no tensors, so a request can be
 * checked early.
 */
import { usageError } from '../../src-shared/errors.ts';
import { counted } from '../../src-shared/plural.ts';
import { descriptorOf, type MethodSettings } from '../../src-shared/methods/registry.ts';
import { everyTarget, TARGETS, type Target } from '../../src-shared/targets.ts';
import {
  type ArchitectureSpec,
  availableTargets,
  type LinearModule,
  linearModules,
} from '../engine/model/architecture.ts';

export interface TargetOptions {
  /** Absent: every linear layer. */
  targets?: Target[] | undefined;
  /** Absent: 1, for methods that have none. */
  rank?: number | undefined;
  /** 0-based; absent: all layers. */
  layers?: number[] | undefined;
  /** Single matrices left out, by `3.q`. */
  exclude?: string[] | undefined;
  /** Ranks of single matrices, by `q` or `3.q`; the latter counts more. */
  rankPattern?: Record<string, number> | undefined;
  /** As rankPattern, for alpha. */
  alphaPattern?: Record<string, number> | undefined;
}

export interface AdaptedModule {
  module: LinearModule;
  rank: number;
}

/**
 * The modules that the options name, each with its rank. Throws UNKNOWN_TARGET, TARGET_OVERLAP, UNKNOWN_LAYER,
 * BAD_EXCLUDE, BAD_PATTERN or BAD_RANK.
 */
export function adaptedModules(spec: ArchitectureSpec, options: TargetOptions): AdaptedModule[] {
  const { targets = everyTarget(availableTargets(spec)), rank = 1, layers } = options;
  checkTargets(spec, targets);
  checkLayers(spec, layers);
  const chosen = linearModules(spec).filter(
    ({ target, layer }) => targets.includes(target) && (layers?.includes(layer) ?? true),
  );
  const modules = withoutExcluded(chosen, options.exclude ?? []);
  checkPatterns(modules, options);
  const adapted = modules.map((module) => ({ module, rank: ofModule(options.rankPattern, module) ?? rank }));
  checkRanks(adapted);
  return adapted;
}

/** The settings with the usual targets named where none are; everything else as it is. */
export function withTargets<S extends MethodSettings>(spec: ArchitectureSpec, settings: S): S {
  const { targets } = descriptorOf(settings.type);
  if (!targets || ('targets' in settings && settings.targets)) return settings;
  return { ...settings, targets: targets.usual({ family: spec.family, targets: availableTargets(spec) }) };
}

/** As settings say it, the targets in their usual order; layers only where some take no part. */
export function targetsOf(
  cells: { module: LinearModule }[],
  spec: ArchitectureSpec,
): { targets: Target[]; layers?: number[] } {
  const found = new Set(cells.map(({ module }) => module.target));
  const layers = [...new Set(cells.map(({ module }) => module.layer))].sort((a, b) => a - b);
  return {
    targets: TARGETS.filter((target) => found.has(target)),
    ...(layers.length === spec.layers ? {} : { layers }),
  };
}

/** `3.q`, as parameters and settings name a matrix. */
export function placeOf({ layer, target }: Pick<LinearModule, 'layer' | 'target'>): string {
  return `${layer}.${target}`;
}

/** Throws UNKNOWN_LAYER for layers that the model does not have. */
export function checkLayers(spec: ArchitectureSpec, layers: number[] | undefined): void {
  const unknown = layers?.filter((layer) => layer >= spec.layers) ?? [];
  if (unknown.length === 0) return;
  throw usageError(
    'UNKNOWN_LAYER',
    `Layer ${unknown.join(', ')} does not exist in a model of ${counted(spec.layers, 'layer')}; choose from 0 to ` +
      `${spec.layers - 1}.`,
    { unknown, layers: spec.layers },
  );
}

function withoutExcluded(modules: LinearModule[], exclude: string[]): LinearModule[] {
  const nameOf = ({ layer, target }: LinearModule): string => `${layer}.${target}`;
  const known = new Set(modules.map(nameOf));
  const unknown = exclude.find((name) => !known.has(name));
  if (unknown !== undefined)
    throw usageError(
      'BAD_EXCLUDE',
      `${unknown} cannot be left out: it is not among the adapted matrices; write a layer and a chosen target (3.q).`,
      { exclude: unknown },
    );
  const rest = modules.filter((module) => !exclude.includes(nameOf(module)));
  if (rest.length === 0)
    throw usageError('BAD_EXCLUDE', 'Every matrix is left out, so that there is nothing to train; leave out fewer.', {
      exclude,
    });
  return rest;
}

/** What a pattern says about a matrix. */
export function ofModule(
  pattern: Record<string, number> | undefined,
  { layer, target }: LinearModule,
): number | undefined {
  return pattern?.[`${layer}.${target}`] ?? pattern?.[target];
}

function checkTargets(spec: ArchitectureSpec, targets: Target[]): void {
  const available = availableTargets(spec);
  const unknown = targets.filter((target) => !available.includes(target));
  if (unknown.length || !targets.length) {
    throw usageError(
      'UNKNOWN_TARGET',
      `Target ${unknown.join(', ') || '(none)'} does not exist in a ${spec.family} model; choose among ` +
        `${available.join(', ')}.`,
      { unknown, available },
    );
  }
  if (targets.includes('qkv') && targets.some((t) => t === 'q' || t === 'k' || t === 'v')) {
    throw usageError('TARGET_OVERLAP', 'Target qkv already holds q, k and v; choose either qkv or the single ones.');
  }
  if (targets.includes('gate_up') && targets.some((t) => t === 'gate' || t === 'up')) {
    throw usageError(
      'TARGET_OVERLAP',
      'Target gate_up already holds gate and up; choose either gate_up or the single ones.',
    );
  }
}

function checkPatterns(modules: LinearModule[], { rankPattern = {}, alphaPattern = {} }: TargetOptions): void {
  const known = new Set(modules.flatMap(({ layer, target }) => [target, `${layer}.${target}`]));
  for (const key of [...Object.keys(rankPattern), ...Object.keys(alphaPattern)]) {
    if (!known.has(key))
      throw usageError(
        'BAD_PATTERN',
        `The pattern ${key} names no adapted matrix; write a chosen target (q) or a layer and a target (3.q).`,
        { pattern: key },
      );
  }
}

/** Throws BAD_RANK, with the narrowest matrix among those that it does not fit. */
function checkRanks(adapted: AdaptedModule[]): void {
  const largest = ({ inFeatures, outFeatures }: LinearModule): number => Math.min(inFeatures, outFeatures);
  const misfits = adapted.filter(
    ({ module, rank }) => !(Number.isInteger(rank) && rank >= 1 && rank <= largest(module)),
  );
  const [narrow] = misfits.sort((a, b) => largest(a.module) - largest(b.module));
  if (!narrow) return;
  const { module, rank } = narrow;
  const { target, inFeatures, outFeatures } = module;
  throw usageError(
    'BAD_RANK',
    `Rank ${rank} does not fit target ${target} (${inFeatures} in, ${outFeatures} out); choose a whole number ` +
      `from 1 to ${largest(module)}.`,
    { rank, largest: largest(module), target },
  );
}
