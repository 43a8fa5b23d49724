/** LoKr outside the engine: PEFT's folders, Graft's own where PEFT has none, and merging. */
import { factorise, type LokrSettings } from '../../../src-shared/methods/lokr.ts';
import { assertComplete, checkSizes, contentOf, partOf, type Base, type Cell } from '../../adapters/content.ts';
import type { NamedTensor } from '../../adapters/files.ts';
import { ownCells } from '../../adapters/ownFormat.ts';
import type { LinearModule } from '../../engine/model/architecture.ts';
import { byElement } from '../delta.ts';
import type { MethodFiles } from '../files.ts';
import { readLycoris } from '../lycoris.ts';
import { adaptedModules } from '../targets.ts';

/** Names as PEFT writes them; w2 whole, or as w2_a (k, r) and w2_b (r, n). */
const LOKR_PARTS = ['lokr_w1', 'lokr_w2', 'lokr_w2_a', 'lokr_w2_b'] as const;
type LokrPart = (typeof LOKR_PARTS)[number];
/** PEFT's decompose_both: W1 as a product too. */
const W1_FACTORS = ['lokr_w1_a', 'lokr_w1_b'] as const;

export type LokrShapes = Partial<Record<LokrPart, [number, number]>>;

export function lokrShapes({ inFeatures, outFeatures }: LinearModule, rank: number, factor?: number): LokrShapes {
  const [m, n] = factorise(inFeatures, factor);
  const [l, k] = factorise(outFeatures, factor);
  const w1: [number, number] = [l, m];
  if (rank < Math.max(k, n) / 2) return { lokr_w1: w1, lokr_w2_a: [k, rank], lokr_w2_b: [rank, n] };
  return { lokr_w1: w1, lokr_w2: [k, n] };
}

export const lokrFiles: MethodFiles<LokrSettings> = {
  check: (spec, _, settings) => void adaptedModules(spec, settings),
  peft: {
    type: 'LOKR',
    read: (file) =>
      readLycoris(file, {
        name: 'LoKr',
        known: [...LOKR_PARTS, ...W1_FACTORS],
        whole: withWholeW1,
        check: checkCell,
        settings: (shared) => ({ type: 'lokr', ...shared }),
      }),
  },
  own(file, settings, base) {
    const cells = ownCells(file, settings.alpha / settings.rank, base);
    for (const cell of cells) checkCell(file.dir, cell, base);
    return contentOf(settings, { cells });
  },
  /** Rows of W1 ⊗ W2: element (i, j) is W1[i/k, j/n]·W2[i mod k, j mod n]. */
  rowsOf(cell) {
    const w1 = partOf(cell, 'lokr_w1');
    const w2 = cell.parts['lokr_w2'] ?? product(partOf(cell, 'lokr_w2_a'), partOf(cell, 'lokr_w2_b'));
    const [, m] = w1.shape as [number, number];
    const [k, n] = w2.shape as [number, number];
    return byElement(
      cell.module,
      (out, input) => w1.data[Math.floor(out / k) * m + Math.floor(input / n)]! * w2.data[(out % k) * n + (input % n)]!,
    );
  },
};

function checkCell(dir: string, { module, parts }: Cell, base: Base): void {
  assertComplete(dir, module, parts, [
    ['lokr_w1', 'lokr_w2'],
    ['lokr_w1', 'lokr_w2_a', 'lokr_w2_b'],
  ]);
  const size = (name: LokrPart, axis: 0 | 1): number => parts[name]?.shape[axis] ?? NaN;
  const [rows, columns] = parts['lokr_w2'] ? (['lokr_w2', 'lokr_w2'] as const) : (['lokr_w2_a', 'lokr_w2_b'] as const);
  checkSizes(dir, module, [size('lokr_w1', 1) * size(columns, 1), size('lokr_w1', 0) * size(rows, 0)], base);
}

function withWholeW1(parts: Cell['parts']): Cell['parts'] {
  const { lokr_w1_a: a, lokr_w1_b: b, ...others } = parts;
  if (!a || !b) return parts;
  const { shape, data } = product(a, b);
  return { lokr_w1: { shape, data: Float32Array.from(data) }, ...others };
}

/** a: (rows, inner), b: (inner, columns). */
function product(a: NamedTensor, b: NamedTensor): { shape: number[]; data: Float64Array } {
  const [rows, inner] = a.shape as [number, number];
  const columns = b.shape[1]!;
  const data = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++)
    for (let k = 0; k < inner; k++)
      for (let j = 0; j < columns; j++) data[i * columns + j]! += a.data[i * inner + k]! * b.data[k * columns + j]!;
  return { shape: [rows, columns], data };
}
