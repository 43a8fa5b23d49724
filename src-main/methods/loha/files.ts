/** LoHa outside the engine: PEFT's folders, Graft's own where PEFT has none, and merging. */
import type { LohaSettings } from '../../../src-shared/methods/loha.ts';
import { assertComplete, checkSizes, contentOf, partOf, type Base, type Cell } from '../../adapters/content.ts';
import { ownCells } from '../../adapters/ownFormat.ts';
import type { LinearModule } from '../../engine/model/architecture.ts';
import type { MethodFiles } from '../files.ts';
import { lowRankFor, lowRankRow } from '../lowRank.ts';
import { readLycoris } from '../lycoris.ts';
import { adaptedModules } from '../targets.ts';

/** Names as PEFT writes them; a: (out, r), b: (r, in). */
export const LOHA_PARTS = ['hada_w1_a', 'hada_w1_b', 'hada_w2_a', 'hada_w2_b'] as const;
export type LohaPart = (typeof LOHA_PARTS)[number];

export function lohaShape(part: LohaPart, { inFeatures, outFeatures }: LinearModule, rank: number): [number, number] {
  return part.endsWith('a') ? [outFeatures, rank] : [rank, inFeatures];
}

export const lohaFiles: MethodFiles<LohaSettings> = {
  check: (spec, _, settings) => void adaptedModules(spec, settings),
  peft: {
    type: 'LOHA',
    read: (file) =>
      readLycoris(file, {
        name: 'LoHa',
        known: LOHA_PARTS,
        check: checkCell,
        settings: (shared) => ({ type: 'loha', ...shared }),
      }),
  },
  own(file, settings, base) {
    const cells = ownCells(file, settings.alpha / settings.rank, base);
    for (const cell of cells) checkCell(file.dir, cell, base);
    return contentOf(settings, { cells });
  },
  /** The rows of (W1a·W1b)∘(W2a·W2b). */
  rowsOf(cell) {
    const factor = (name: 'hada_w1' | 'hada_w2') =>
      lowRankFor(partOf(cell, `${name}_b`), partOf(cell, `${name}_a`), cell.module.layout);
    const [one, two] = [factor('hada_w1'), factor('hada_w2')];
    const other = new Float64Array(one.width);
    return (row, into) => {
      lowRankRow(one, row, into);
      lowRankRow(two, row, other);
      for (let j = 0; j < into.length; j++) into[j] = into[j]! * other[j]!;
    };
  },
};

function checkCell(dir: string, { module, parts }: Cell, base: Base): void {
  assertComplete(dir, module, parts, [[...LOHA_PARTS]]);
  const size = (name: LohaPart, axis: 0 | 1): number => parts[name]!.shape[axis] ?? NaN;
  checkSizes(dir, module, [size('hada_w1_b', 1), size('hada_w1_a', 0)], base);
}
