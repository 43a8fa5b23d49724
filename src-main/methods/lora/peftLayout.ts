/**
 * From our LoRA pairs to PEFT's modules. They are the same, except that PEFT adapts a fused layer (GPT-2's c_attn) only
 * as a whole: separate pairs for q, k, v become one pair, A stacked and B block-diagonal, which computes exactly the
 * same update. Its scale is that of the first part; where the others differ, their B makes up for it. With DoRA,
 * outputs that no pair adapts keep the magnitude that they have.
 */
import { linearModules, type ArchitectureSpec, type LinearModule } from '../../engine/model/architecture.ts';
import type { LoraAdapter } from './lora.ts';
import type { LoraPair } from './pair.ts';

interface Matrix {
  /** [rows, columns]. */
  shape: [number, number];
  /** Row by row. */
  data: Float32Array;
}

/** A (r, in), B (out, r), with DoRA the magnitude (out). */
export interface PeftPair {
  A: Matrix;
  B: Matrix;
  magnitude?: Float32Array;
  /** s of the whole module. */
  scale: number;
  module: LinearModule;
}

/** PEFT's module path (below `base_model.model.`) -> its pair. */
export type PeftModules = Map<string, PeftPair>;

/**
 * The adapter's values as PEFT modules; reads them from the device. `normsOf`: ||W|| per output of a layer of the base.
 */
export async function toPeftModules(
  adapter: LoraAdapter,
  spec: ArchitectureSpec,
  normsOf: (module: LinearModule) => Float64Array,
): Promise<PeftModules> {
  const wholes = new Map(
    linearModules(spec)
      .filter(({ slice }) => !slice)
      .map((module) => [module.module, module]),
  );
  const modules: PeftModules = new Map();
  for (const [path, pairs] of Map.groupBy(adapter.pairs, (pair) => pair.module.module)) {
    const parts = await Promise.all(pairs.map(readPair));
    modules.set(path, pairs[0]!.module.slice ? stacked(parts, wholes.get(path)!, normsOf) : parts[0]!);
  }
  return modules;
}

async function readPair({ A, B, magnitude, scale, module }: LoraPair): Promise<PeftPair> {
  const [a, b, m] = (await Promise.all([A.value.data(), B.value.data(), magnitude?.m.value.data()])) as [
    Float32Array,
    Float32Array,
    Float32Array | undefined,
  ];
  return {
    A: { shape: A.value.shape as [number, number], data: a },
    B: { shape: B.value.shape as [number, number], data: b },
    ...(m ? { magnitude: m } : {}),
    scale,
    module,
  };
}

/** A = [A_q; A_v; …], B with each part's rows and columns in place and zeros elsewhere. */
function stacked(parts: PeftPair[], whole: LinearModule, normsOf: (module: LinearModule) => Float64Array): PeftPair {
  const { inFeatures, outFeatures } = whole;
  const { scale } = parts[0]!;
  const rank = parts.reduce((sum, { A }) => sum + A.shape[0], 0);
  const A = new Float32Array(rank * inFeatures);
  const B = new Float32Array(outFeatures * rank);
  const magnitude = parts[0]!.magnitude ? Float32Array.from(normsOf(whole)) : undefined;
  let column = 0;
  for (const part of parts) {
    const r = part.A.shape[0];
    const firstRow = part.module.slice!.start;
    A.set(part.A.data, column * inFeatures);
    magnitude?.set(part.magnitude!, firstRow);
    part.B.data.forEach(
      (value, i) => (B[(firstRow + Math.floor(i / r)) * rank + column + (i % r)] = value * (part.scale / scale)),
    );
    column += r;
  }
  return {
    A: { shape: [rank, inFeatures], data: A },
    B: { shape: [outFeatures, rank], data: B },
    ...(magnitude ? { magnitude } : {}),
    scale,
    module: whole,
  };
}
