/** Numbers of weight matrices as a heat map: layers down, the matrices of a layer across. */
import { placeOfMatrix } from '../../src-shared/labMatrices.ts';
import { TARGETS } from '../../src-shared/targets.ts';
import type { HeatCell, HeatMapData } from '../charts/heat/heatMap.ts';

export interface Named {
  name: string;
}

/** `layer 5 v`, or the name in the checkpoint where it stands in no layer. */
export function matrixLabel(name: string): string {
  const { layer, target } = placeOfMatrix(name);
  return layer === null ? name : `layer ${layer} ${target}`;
}

/** Where each matrix stands in the map, and back. */
export class MatrixGrid<T extends Named> {
  readonly rows: string[];
  readonly columns: string[];
  #cells: (T | undefined)[][];

  constructor(matrices: readonly T[]) {
    const placed = matrices.map((matrix) => ({ matrix, ...placeOfMatrix(matrix.name) }));
    const layers = [...new Set(placed.map(({ layer }) => layer))].sort((a, b) => (a ?? Infinity) - (b ?? Infinity));
    const targets = [...new Set(placed.map(({ target }) => target))];
    const order = (target: string): number => (TARGETS as readonly string[]).indexOf(target);
    const known = targets.filter((target) => order(target) >= 0).sort((a, b) => order(a) - order(b));
    this.columns = [...known, ...targets.filter((target) => order(target) < 0).sort()];
    this.rows = layers.map((layer) => (layer === null ? '–' : String(layer)));
    this.#cells = layers.map((layer) =>
      this.columns.map((target) => placed.find((one) => one.layer === layer && one.target === target)?.matrix),
    );
  }

  map(
    valueOf: (matrix: T) => number | null,
    about: Pick<HeatMapData, 'title' | 'format' | 'range'> & { absent?: string },
  ): HeatMapData {
    const values = this.#cells.map((row) => row.map((matrix) => (matrix ? valueOf(matrix) : null)));
    const { rows, columns } = this;
    return { absent: 'not adapted', ...about, rowName: 'Layer', columnName: 'Matrix', rows, columns, values };
  }

  at({ row, column }: HeatCell): T | undefined {
    return this.#cells[row]?.[column];
  }

  /** In reading order. */
  get first(): T | undefined {
    return this.#cells.flat().find((matrix) => matrix !== undefined);
  }

  cellOf(name: string | undefined): HeatCell | undefined {
    for (const [row, cells] of this.#cells.entries()) {
      const column = cells.findIndex((matrix) => matrix !== undefined && matrix.name === name);
      if (column >= 0) return { row, column };
    }
    return undefined;
  }
}
