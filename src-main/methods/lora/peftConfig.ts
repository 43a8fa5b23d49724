/**
 * PEFT's adapter_config.json for a LoRA of ours: one rank and alpha for most layers, patterns for those that differ.
 */
import type { PeftConfigInput } from '../../adapters/peftLora.ts';
import type { PeftModules } from './peftLayout.ts';
import type { ArchitectureSpec } from '../../engine/model/architecture.ts';
import type { LoraSettings } from '../../../src-shared/methodSettings.ts';

interface Numbers {
  path: string;
  peftName: string;
  rank: number;
  alpha: number;
}

export function loraConfig(
  modules: PeftModules,
  settings: LoraSettings,
  base: { spec: ArchitectureSpec; dir: string },
): PeftConfigInput {
  const { dropout, init, rslora = false, dora = false, bias = 'none' } = settings;
  const numbers = [...modules].map(([path, { A, scale, module }]): Numbers => {
    const rank = A.shape[0];
    // s was made from alpha by one division; twelve digits bring alpha itself back.
    return {
      path,
      peftName: module.peftName,
      rank,
      alpha: Number((scale * (rslora ? Math.sqrt(rank) : rank)).toPrecision(12)),
    };
  });
  const usual = <K extends 'rank' | 'alpha'>(field: K): number =>
    numbers.some((one) => one[field] === settings[field]) ? settings[field] : numbers[0]![field];
  const [r, lora_alpha] = [usual('rank'), usual('alpha')];
  return {
    r,
    lora_alpha,
    lora_dropout: dropout,
    ...placesOf(numbers, settings),
    fan_in_fan_out: base.spec.layout === 'in_out',
    base_model_name_or_path: base.dir,
    rank_pattern: patternFor(numbers, 'rank', r),
    alpha_pattern: patternFor(numbers, 'alpha', lora_alpha),
    use_rslora: rslora,
    use_dora: dora,
    bias,
    init_lora_weights: init === 'gaussian' ? 'gaussian' : true,
  };
}

/**
 * Where a PEFT config's modules are: short names in chosen layers; with single matrices left out, the full path of
 * each, which names nothing else.
 */
export function placesOf(
  modules: { path: string; peftName: string }[],
  { layers, exclude }: { layers?: number[] | undefined; exclude?: string[] | undefined },
): { target_modules: string[]; layers_to_transform: number[] | null } {
  if (exclude) return { target_modules: modules.map(({ path }) => path), layers_to_transform: null };
  return {
    target_modules: [...new Set(modules.map(({ peftName }) => peftName))],
    layers_to_transform: layers ? [...layers].sort((a, b) => a - b) : null,
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
