/** Adapter layers outside the engine: names and shapes of what is trained, in Graft's own format. */
import { usageError } from '../../../src-shared/errors.ts';
import type { BottleneckSettings } from '../../../src-shared/methods/bottleneck.ts';
import { checkShapes, contentOf } from '../../adapters/content.ts';
import type { ArchitectureSpec } from '../../engine/model/architecture.ts';
import type { MethodFiles } from '../files.ts';

export type BottleneckOptions = Omit<BottleneckSettings, 'type'>;

export const bottleneckFiles: MethodFiles<BottleneckSettings> = {
  check: (spec, _, settings) => void bottleneckShapes(spec, settings),
  own({ dir, tensors }, settings, base) {
    checkShapes(dir, bottleneckShapes(base.spec, settings), tensors, base);
    return contentOf(settings, { tensors });
  },
};

export type Half = 'attention' | 'mlp';

/** down: (r, C), up: (C, r). */
const PARTS = ['down.weight', 'down.bias', 'up.weight', 'up.bias', 'norm.weight', 'norm.bias'] as const;
export type BottleneckPart = (typeof PARTS)[number];

export interface BottleneckShape {
  name: string;
  layer: number;
  half: Half;
  part: BottleneckPart;
  shape: number[];
}

/** The trained tensors. Throws BAD_BOTTLENECK or BAD_SKIP. */
export function bottleneckShapes(
  { layers, hidden: C }: ArchitectureSpec,
  { kind, bottleneck: r, skipLayers }: BottleneckOptions,
): BottleneckShape[] {
  if (r > C)
    throw usageError(
      'BAD_BOTTLENECK',
      `A bottleneck of ${r} is wider than the model (${C}); choose a whole number from 1 to ${C}.`,
      { bottleneck: r, hidden: C },
    );
  if (skipLayers >= layers)
    throw usageError(
      'BAD_SKIP',
      `Skipping the lowest ${skipLayers} of ${layers} layers leaves no adapter; skip at most ${layers - 1}.`,
      { skipLayers, layers },
    );
  const sizes: Record<BottleneckPart, number[]> = {
    'down.weight': [r, C],
    'down.bias': [r],
    'up.weight': [C, r],
    'up.bias': [C],
    'norm.weight': [C],
    'norm.bias': [C],
  };
  const halves: Half[] = kind === 'houlsby' ? ['attention', 'mlp'] : ['mlp'];
  const parts = PARTS.filter((part) => kind === 'lin' || !part.startsWith('norm'));
  return Array.from({ length: layers - skipLayers }, (_, i) => skipLayers + i).flatMap((layer) =>
    halves.flatMap((half) =>
      parts.map((part) => ({ name: bottleneckName(layer, half, part), layer, half, part, shape: sizes[part] })),
    ),
  );
}

export function bottleneckName(layer: number, half: Half, part: BottleneckPart): string {
  return `${layer}.${half}.adapter_${part}`;
}
