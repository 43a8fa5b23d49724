/** Where the linear layers of a model are in its GGUF file, and in which order a layer's outputs stand there. */
import type { ArchitectureSpec, LinearModule } from '../../engine/model/architecture.ts';
import { linearModules } from '../../engine/model/architecture.ts';
import { mappedTensors, type MappedTensor } from '../../gguf/families/registry.ts';
import type { NamedTensor } from '../files.ts';

export interface GgufLayer {
  module: LinearModule;
  /** Name of its weight in the GGUF: `blk.3.attn_q.weight`. */
  gguf: string;
  change: MappedTensor['change'];
}

/** Every linear layer; a fused one as a whole. */
export function ggufLayers(spec: ArchitectureSpec): GgufLayer[] {
  // The configuration only says which biases there are.
  const byName = new Map(mappedTensors(spec, {}).map((mapped) => [mapped.hf, mapped]));
  return linearModules(spec)
    .filter(({ slice }) => !slice)
    .map((module) => {
      const { gguf, change } = byName.get(module.weight)!;
      return { module, gguf, change };
    });
}

/**
 * B (out, r) as the weight's outputs stand in the GGUF. A (r, in) is the same in both: GPT-2's transposed matrices
 * become (out, in), which PEFT's pairs are already.
 */
export function toGgufRows(B: NamedTensor, change: GgufLayer['change']): NamedTensor {
  if (change?.type === 'times') return times(B, change.factor);
  return change?.type === 'rows' ? rowsFrom(B, change.hfRow) : B;
}

/** The inverse of toGgufRows. */
export function fromGgufRows(B: NamedTensor, change: GgufLayer['change']): NamedTensor {
  if (change?.type === 'times') return times(B, 1 / change.factor);
  return change?.type === 'rows' ? rowsFrom(B, change.ggufRow) : B;
}

function times({ shape, data }: NamedTensor, factor: number): NamedTensor {
  return { shape, data: data.map((value) => value * factor) };
}

/** Row i of the result is row `source(i)`. */
function rowsFrom({ shape, data }: NamedTensor, source: (row: number) => number): NamedTensor {
  const [rows, width] = shape as [number, number];
  const moved = new Float32Array(data.length);
  for (let row = 0; row < rows; row++) {
    const from = source(row) * width;
    moved.set(data.subarray(from, from + width), row * width);
  }
  return { shape, data: moved };
}
