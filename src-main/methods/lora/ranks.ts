/** Settings of LoRA with ranks that something has chosen matrix by matrix. */
import type { LoraSettings } from '../../../src-shared/methods/lora.ts';
import { ofModule, placeOf, type AdaptedModule } from '../targets.ts';

/**
 * adapted: what the settings adapt, each with its rank; ranks: by place. Every scale stays as it was, whatever the
 * rank; matrices without a rank are left out.
 */
export function withRanks(
  settings: LoraSettings,
  adapted: readonly AdaptedModule[],
  ranks: ReadonlyMap<string, number>,
): LoraSettings {
  const changed = adapted.some(({ module, rank }) => ranks.get(placeOf(module)) !== rank);
  if (!changed) return settings;
  const rankPattern: Record<string, number> = {};
  const alphaPattern: Record<string, number> = {};
  const exclude = [...(settings.exclude ?? [])];
  for (const { module, rank } of adapted) {
    const place = placeOf(module);
    const own = ranks.get(place)!;
    if (own === 0) {
      exclude.push(place);
      continue;
    }
    const alpha = ofModule(settings.alphaPattern, module) ?? settings.alpha;
    rankPattern[place] = own;
    alphaPattern[place] = alpha * (settings.rslora ? Math.sqrt(own / rank) : own / rank);
  }
  return { ...settings, rankPattern, alphaPattern, ...(exclude.length > 0 ? { exclude } : {}) };
}
