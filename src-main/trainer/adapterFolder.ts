/** Adapters between the engine and PEFT folders on disk. */
import { assertAdapterFitsBase, moduleScale, readPeftAdapter, writePeftAdapter, type GraftAdapterInfo, type PeftConfigInput } from '../checkpoints/peft.ts';
import type { Checkpoint } from '../checkpoints/checkpoint.ts';
import type { Adapter } from '../engine/methods/adapter.ts';
import { LoraAdapter } from '../engine/methods/lora.ts';
import { fromPeftModules, toPeftModules } from '../engine/methods/peftLayout.ts';
import type { ArchitectureSpec } from '../engine/model/architecture.ts';
import { GraftError } from '../errors.ts';
import type { AdapterSettings, LoraSettings } from './methodSettings.ts';

/** Reads a PEFT folder onto the current backend. Throws when it is broken or belongs to another base. */
export function loadAdapter(dir: string, base: Checkpoint): LoraAdapter {
  const peft = readPeftAdapter(dir);
  assertAdapterFitsBase(peft, base);
  return fromPeftModules(base.spec, peft.modules, (path) => moduleScale(peft.config, path));
}

/** Writes the folder that Python PEFT loads as it is, with graft.json naming the base. */
export async function saveAdapter(
  dir: string,
  adapter: Adapter,
  settings: AdapterSettings,
  base: { spec: ArchitectureSpec; dir: string },
  graft: GraftAdapterInfo,
): Promise<{ sha256: string; sizeBytes: number }> {
  if (!(adapter instanceof LoraAdapter) || settings.type !== 'lora') throw new GraftError('INTERNAL', `The method ${settings.type} cannot be saved.`);
  const config = peftConfigOf(adapter, settings, base);
  return writePeftAdapter(dir, { config, modules: await toPeftModules(adapter), graft });
}

/** Rank and alpha of a module stacked from n slices are n times the ones asked for, so that alpha/r stays. */
function peftConfigOf(adapter: LoraAdapter, { rank, alpha, dropout, init }: LoraSettings, base: { spec: ArchitectureSpec; dir: string }): PeftConfigInput {
  const names = new Map(adapter.pairs.map(({ module }) => [module.peftName, 0]));
  for (const { module } of adapter.pairs) if (module.layer === 0) names.set(module.peftName, names.get(module.peftName)! + 1);
  const stacked = [...names].filter(([, count]) => count > 1);
  const alone = names.size === 1 ? [...names.values()][0]! : 1;
  const patterns = names.size === 1 ? [] : stacked;
  return {
    r: rank * alone,
    lora_alpha: alpha * alone,
    lora_dropout: dropout,
    target_modules: [...names.keys()],
    fan_in_fan_out: base.spec.layout === 'in_out',
    base_model_name_or_path: base.dir,
    rank_pattern: Object.fromEntries(patterns.map(([name, count]) => [name, rank * count])),
    alpha_pattern: Object.fromEntries(patterns.map(([name, count]) => [name, alpha * count])),
    init_lora_weights: init === 'gaussian' ? 'gaussian' : true,
  };
}
