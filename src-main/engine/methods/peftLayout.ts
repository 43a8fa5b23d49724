/**
 * Between our LoRA pairs and PEFT's modules. They are the same, except that PEFT adapts GPT-2's fused c_attn only as a
 * whole: separate pairs for q, k, v become one pair of rank n·r, A stacked and B block-diagonal, which computes exactly
 * the same update.
 */
import { linearModules, type ArchitectureSpec } from '../model/architecture.ts';
import { LoraAdapter, makePair, type LoraPair } from './lora.ts';

interface Matrix {
  /** [rows, columns]. */
  shape: [number, number];
  /** Row by row. */
  data: Float32Array;
}

/** A (r, in) and B (out, r). */
interface PeftPair {
  A: Matrix;
  B: Matrix;
}

/** PEFT's module path (below `base_model.model.`) -> its pair. */
export type PeftModules = Map<string, PeftPair>;

/** The adapter's values as PEFT modules; reads them from the device. */
export async function toPeftModules(adapter: LoraAdapter): Promise<PeftModules> {
  const modules: PeftModules = new Map();
  for (const [path, pairs] of Map.groupBy(adapter.pairs, (pair) => pair.module.module)) {
    const parts = await Promise.all(pairs.map(readPair));
    modules.set(path, pairs[0]!.module.slice ? stackSlices(pairs, parts) : parts[0]!);
  }
  return modules;
}

async function readPair({ A, B }: LoraPair): Promise<PeftPair> {
  const [a, b] = await Promise.all([A.value.data(), B.value.data()]);
  return {
    A: { shape: A.value.shape as [number, number], data: a as Float32Array },
    B: { shape: B.value.shape as [number, number], data: b as Float32Array },
  };
}

/** A = [A_q; A_v; …], B with each part's rows and columns in place and zeros elsewhere. */
function stackSlices(pairs: LoraPair[], parts: PeftPair[]): PeftPair {
  const { inFeatures, outFeatures } = pairs[0]!.module;
  const rank = parts.reduce((sum, { A }) => sum + A.shape[0], 0);
  const A = new Float32Array(rank * inFeatures);
  const B = new Float32Array(3 * outFeatures * rank);
  let column = 0;
  parts.forEach((part, i) => {
    const r = part.A.shape[0];
    A.set(part.A.data, column * inFeatures);
    const firstRow = pairs[i]!.module.slice!.start;
    for (let row = 0; row < outFeatures; row++) {
      B.set(part.B.data.subarray(row * r, (row + 1) * r), (firstRow + row) * rank + column);
    }
    column += r;
  });
  return { A: { shape: [rank, inFeatures], data: A }, B: { shape: [3 * outFeatures, rank], data: B } };
}

/**
 * An adapter on the current backend from PEFT modules, which must have been checked against this model
 * (checkpoints/peftFit.ts). `scaleOf` gives alpha/r of a module path.
 */
export function fromPeftModules(spec: ArchitectureSpec, modules: PeftModules, scaleOf: (path: string) => number): LoraAdapter {
  const known = new Map(linearModules(spec).filter((m) => !m.slice).map((m) => [m.module, m]));
  return new LoraAdapter([...modules].map(([path, { A, B }]) => makePair(known.get(path)!, A.data, B.data, A.shape[0], scaleOf(path))));
}
