/**
 * PEFT's adapter_config.json for a LoRA of ours: one rank and alpha for most layers, patterns for those that differ.
 */
import { peftPlaces } from '../../adapters/peft.ts';
import type { PeftConfigInput } from './peftConfig.ts';
import type { PeftModules, PeftPair } from './peftLayout.ts';
import { linearModules, type ArchitectureSpec } from '../../engine/model/architecture.ts';
import { placeOf, targetsOf } from '../targets.ts';
import type { LoraSettings } from '../../../src-shared/methods/lora.ts';

/** How PEFT marks an adapter with a head of its own. */
export const CLASSIFIER = { task_type: 'SEQ_CLS' as const, modules_to_save: ['classifier', 'score'] };

/** Settings that say which layers these modules adapt, with the rank, and its alpha, that most have. */
export function plainSettings(modules: PeftModules, spec: ArchitectureSpec): LoraSettings {
  const pairs = [...modules.values()];
  const byRank = Map.groupBy(pairs, ({ A }) => A.shape[0]);
  const [rank, [first]] = [...byRank].sort((a, b) => b[1].length - a[1].length)[0]! as [number, [PeftPair]];
  const places = targetsOf(pairs, spec);
  const missing = linearModules(spec).filter(
    ({ module, target, layer, slice }) =>
      !slice && places.targets.includes(target) && (places.layers?.includes(layer) ?? true) && !modules.has(module),
  );
  return {
    type: 'lora',
    rank,
    alpha: alphaOf(first.scale, rank),
    dropout: 0,
    init: 'kaiming',
    ...places,
    ...(missing.length > 0 ? { exclude: missing.map(placeOf) } : {}),
  };
}

/** s was made from alpha by one division; twelve digits bring alpha itself back. */
function alphaOf(scale: number, divisor: number): number {
  return Number((scale * divisor).toPrecision(12));
}

interface Numbers {
  path: string;
  peftName: string;
  rank: number;
  alpha: number;
}

export function loraConfig(
  modules: PeftModules,
  settings: LoraSettings,
  base: { spec: ArchitectureSpec; origin: string },
): PeftConfigInput {
  const { dropout, init, rslora = false, dora = false, bias = 'none' } = settings;
  const numbers = [...modules].map(([path, { A, scale, module }]): Numbers => {
    const rank = A.shape[0];
    return { path, peftName: module.peftName, rank, alpha: alphaOf(scale, rslora ? Math.sqrt(rank) : rank) };
  });
  const usual = <K extends 'rank' | 'alpha'>(field: K): number =>
    numbers.some((one) => one[field] === settings[field]) ? settings[field] : numbers[0]![field];
  const [r, lora_alpha] = [usual('rank'), usual('alpha')];
  return {
    r,
    lora_alpha,
    lora_dropout: dropout,
    ...peftPlaces(
      numbers.map(({ path, peftName }) => ({ module: path, peftName })),
      settings,
    ),
    fan_in_fan_out: base.spec.layout === 'in_out',
    base_model_name_or_path: base.origin,
    rank_pattern: patternFor(numbers, 'rank', r),
    alpha_pattern: patternFor(numbers, 'alpha', lora_alpha),
    use_rslora: rslora,
    use_dora: dora,
    bias,
    init_lora_weights: init === 'gaussian' ? 'gaussian' : true,
  };
}

/** By the layers' short name where all of that name agree, else by full paths, which match nothing but themselves. */
function patternFor(numbers: Numbers[], field: 'rank' | 'alpha', usual: number): Record<string, number> {
  const entries = [...Map.groupBy(numbers, ({ peftName }) => peftName)].flatMap(([peftName, group]) => {
    const values = new Set(group.map((one) => one[field]));
    if (values.size === 1) return [[peftName, group[0]![field]] as const];
    return group.map((one) => [one.path, one[field]] as const);
  });
  return Object.fromEntries(entries.filter(([, value]) => value !== usual));
}
