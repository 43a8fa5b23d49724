/**
 * The methods that are compared, at about the same number of trained values where a method can have it: that of LoRA
 * with rank 8 on q and v, for stories260K 8,960. Learning rates: the best of 3e-3, 1e-2, 3e-2 and 1e-1 for each method
 * by `npm run bench:methods -- --scan` (60 steps, a seed of its own; 1e-1 was tried for prefixes only).
 */
import { type ArchitectureSpec, availableTargets } from '../../src-main/engine/model/architecture.ts';
import type { Target } from '../../src-shared/targets.ts';
import { methodSchema, type MethodSettings } from '../../src-shared/methods/registry.ts';

export interface ComparedMethod {
  name: string;
  lr: number;
  settings: MethodSettings;
}

/** For the base model at hand, since "all matrices" and the number of layers depend on it. */
export function comparedMethods(spec: ArchitectureSpec): ComparedMethod[] {
  const all = availableTargets(spec).filter((target) => !['qkv', 'gate_up'].includes(target as string)) as Target[];
  const method = (name: string, lr: number, settings: object): ComparedMethod => ({
    name,
    lr,
    settings: methodSchema.parse(settings),
  });
  const lora = { type: 'lora', rank: 8, alpha: 16, targets: ['q', 'v'] };
  return [
    method('full fine-tuning', 3e-3, { type: 'full' }),
    method('full, top 2 layers', 1e-2, { type: 'full', layers: [spec.layers - 2, spec.layers - 1] }),
    method('BitFit', 1e-2, { type: 'bitfit' }),
    method('LoRA q, v; r 8', 3e-2, lora),
    method('LoRA q, v; r 8, gaussian', 1e-2, { ...lora, init: 'gaussian' }),
    method('LoRA all matrices; r 2', 1e-2, { ...lora, rank: 2, alpha: 4, targets: all }),
    method('rsLoRA q, v; r 8', 1e-2, { ...lora, rslora: true }),
    method('LoRA+ q, v; r 8, ratio 4', 1e-2, { ...lora, loraPlusRatio: 4 }),
    method('DoRA q, v; r 8', 3e-2, { ...lora, dora: true }),
    method('PiSSA q, v; r 8', 1e-2, { ...lora, init: 'pissa' }),
    method('LoHa q, v; r 4', 3e-2, { type: 'loha', rank: 4, alpha: 8, targets: ['q', 'v'] }),
    method('LoKr all matrices', 3e-2, { type: 'lokr', rank: 8, alpha: 16, targets: all }),
    method('adapters, Houlsby; r 7', 3e-2, { type: 'adapter', kind: 'houlsby', bottleneck: 7 }),
    method('adapters, Lin; r 12', 3e-2, { type: 'adapter', kind: 'lin', bottleneck: 12 }),
    method('adapters, Pfeiffer; r 13', 3e-2, { type: 'adapter', kind: 'pfeiffer', bottleneck: 13 }),
    method('AdapterDrop, Houlsby without the lowest 2; r 11', 3e-2, {
      type: 'adapter',
      kind: 'houlsby',
      bottleneck: 11,
      skipLayers: 2,
    }),
    method('prefix-embedding; 16 + 16', 1e-1, { type: 'prefix', kind: 'embedding', prefixLength: 16, infixLength: 16 }),
    method('prefix-layer; 20 + 8', 1e-1, { type: 'prefix', kind: 'layer', prefixLength: 20, infixLength: 8 }),
    method('prefix key-value; 28', 1e-1, { type: 'prefix', kind: 'key-value', prefixLength: 28 }),
  ];
}
