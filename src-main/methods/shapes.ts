/** Names and shapes of what each method trains; needs no tensors, so a request can be checked and counted early. */
import { usageError } from '../../src-shared/errors.ts';
import type { ArchitectureSpec, LinearModule } from '../engine/model/architecture.ts';
import { checkLayers } from './targets.ts';

/** Names as PEFT writes them; a: (out, r), b: (r, in). */
export const LOHA_PARTS = ['hada_w1_a', 'hada_w1_b', 'hada_w2_a', 'hada_w2_b'] as const;
export type LohaPart = (typeof LOHA_PARTS)[number];

export function lohaShape(part: LohaPart, { inFeatures, outFeatures }: LinearModule, rank: number): [number, number] {
  return part.endsWith('a') ? [outFeatures, rank] : [rank, inFeatures];
}

/** Names as PEFT writes them; w2 whole, or as w2_a (k, r) and w2_b (r, n). */
export type LokrPart = 'lokr_w1' | 'lokr_w2' | 'lokr_w2_a' | 'lokr_w2_b';

export type LokrShapes = Partial<Record<LokrPart, [number, number]>>;

export function lokrShapes({ inFeatures, outFeatures }: LinearModule, rank: number, factor?: number): LokrShapes {
  const [m, n] = factorise(inFeatures, factor);
  const [l, k] = factorise(outFeatures, factor);
  const w1: [number, number] = [l, m];
  if (rank < Math.max(k, n) / 2) return { lokr_w1: w1, lokr_w2_a: [k, rank], lokr_w2_b: [rank, n] };
  return { lokr_w1: w1, lokr_w2: [k, n] };
}

/**
 * Two factors of `size` as PEFT chooses them: the one asked for first where it divides, else the pair closest to
 * square, the smaller (not above `factor`) first.
 */
export function factorise(size: number, factor?: number): [number, number] {
  if (factor !== undefined && size % factor === 0) return [factor, size / factor];
  let small = 1;
  for (let candidate = 1; candidate * candidate <= size && candidate <= (factor ?? size); candidate++)
    if (size % candidate === 0) small = candidate;
  return [small, size / small];
}

/** The tensors that are trained: all, or those of the blocks in `layers`. Throws UNKNOWN_LAYER. */
export function fullNames(spec: ArchitectureSpec, names: string[], layers: number[] | undefined): string[] {
  checkLayers(spec, layers);
  if (!layers) return names;
  return names.filter((name) => {
    const layer = /(?:^|\.)(?:h|layers)\.(\d+)\./.exec(name);
    return layer !== null && layers.includes(Number(layer[1]));
  });
}

/** The biases among a model's tensors. Throws NO_BIASES where it has none. */
export function biasNames(tensors: Iterable<string>, family: string): string[] {
  const names = [...tensors].filter((name) => name.endsWith('bias'));
  if (names.length > 0) return names;
  throw usageError(
    'NO_BIASES',
    `This ${family} model has no biases, so BitFit has nothing to train; choose LoRA with a small rank instead.`,
    { family },
  );
}

export interface BottleneckOptions {
  kind: 'houlsby' | 'lin' | 'pfeiffer';
  bottleneck: number;
  skipLayers: number;
}

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

export interface PrefixOptions {
  kind: 'embedding' | 'layer' | 'key-value';
  prefixLength: number;
  infixLength: number;
}

/** The trained tensors. Throws BAD_PREFIX. */
export function prefixShapes(
  spec: ArchitectureSpec,
  { kind, prefixLength, infixLength }: PrefixOptions,
): { name: string; shape: number[] }[] {
  const count = prefixLength + infixLength;
  if (count === 0)
    throw usageError(
      'BAD_PREFIX',
      'A prefix of no tokens trains nothing; give a prefix or infix length of at least 1.',
    );
  if (kind === 'key-value' && infixLength > 0)
    throw usageError(
      'BAD_PREFIX',
      'Keys and values can only stand in front of the input; choose the kind embedding or layer for an infix.',
      { infixLength },
    );
  if (count > spec.maxPositions / 2)
    throw usageError(
      'BAD_PREFIX',
      `${count} virtual tokens leave too little of the ${spec.maxPositions} positions of this model; use at ` +
        `most ${Math.floor(spec.maxPositions / 2)}.`,
      { count, maxPositions: spec.maxPositions },
    );
  if (kind === 'embedding') return [{ name: 'virtual_tokens.embedding', shape: [count, spec.hidden] }];
  if (kind === 'layer')
    return Array.from({ length: spec.layers }, (_, layer) => ({
      name: `virtual_tokens.layer.${layer}`,
      shape: [count, spec.hidden],
    }));
  return [{ name: 'prompt_embeddings', shape: [count, spec.layers * 2 * spec.kvHeads * spec.headDim] }];
}
