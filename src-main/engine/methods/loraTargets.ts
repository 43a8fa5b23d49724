/** Which linear layers a LoRA adapts, and whether targets and rank fit them. Needs no tensors, so a request can be checked early. */
import { usageError } from '../../errors.ts';
import { availableTargets, linearModules, type ArchitectureSpec, type LinearModule, type Target } from '../model/architecture.ts';

/** The modules that `targets` name. Throws UNKNOWN_TARGET, TARGET_OVERLAP or BAD_RANK. */
export function loraModules(spec: ArchitectureSpec, targets: Target[], rank: number): LinearModule[] {
  const available = availableTargets(spec);
  const unknown = targets.filter((target) => !available.includes(target));
  if (unknown.length || !targets.length) {
    throw usageError('UNKNOWN_TARGET', `Target ${unknown.join(', ') || '(none)'} does not exist in a ${spec.family} model; choose among ${available.join(', ')}.`, { unknown, available });
  }
  if (targets.includes('qkv') && targets.some((t) => t === 'q' || t === 'k' || t === 'v')) {
    throw usageError('TARGET_OVERLAP', 'Target qkv already holds q, k and v; choose either qkv or the single ones.');
  }
  const modules = linearModules(spec).filter((module) => targets.includes(module.target));
  const largest = Math.min(...modules.map((m) => Math.min(m.inFeatures, m.outFeatures)));
  if (!Number.isInteger(rank) || rank < 1 || rank > largest) {
    const narrow = modules.find((m) => Math.min(m.inFeatures, m.outFeatures) === largest)!;
    throw usageError(
      'BAD_RANK',
      `Rank ${rank} does not fit target ${narrow.target} (${narrow.inFeatures} in, ${narrow.outFeatures} out); choose a whole number from 1 to ${largest}.`,
      { rank, largest, target: narrow.target },
    );
  }
  return modules;
}
