/** Where the keyboard is in the picture of the model, and what its keys do. Row -1 and column -1 are the heads. */
import { everyTarget } from '../../../src-shared/targets.ts';
import { cellName, nextRank } from './matrices.ts';
import type { Wizard } from './wizard.svelte.ts';

export class MatrixCursor {
  row = $state(-1);
  column = $state(-1);
  /** The cell that a range begins at. */
  #anchor: { row: number; column: number; on: boolean } | undefined;
  #wizard: Wizard;
  readonly layers = $derived.by(() => this.#wizard.model?.layers ?? 0);
  readonly targets = $derived.by(() => this.#wizard.model?.targets ?? []);
  /** The matrix under the cursor; undefined on a head. */
  readonly cell = $derived.by(() => {
    const target = this.targets[this.column];
    return target !== undefined && this.row >= 0 ? cellName(this.row, target) : undefined;
  });

  constructor(wizard: Wizard) {
    this.#wizard = wizard;
  }

  isAt(row: number, column: number): boolean {
    return this.row === row && this.column === column;
  }

  /** The matrices that a cell or head stands for. */
  cellsAt(row: number, column: number): string[] {
    const rows = row >= 0 ? [row] : Array.from({ length: this.layers }, (_, layer) => layer);
    const target = this.targets[column];
    const targets = target === undefined ? everyTarget(this.targets) : [target];
    return rows.flatMap((layer) => targets.map((name) => cellName(layer, name)));
  }

  isOn(row: number, column: number): boolean {
    return this.cellsAt(row, column).every((cell) => this.#wizard.chosen.has(cell));
  }

  /** Switches what is there; with `range` everything between it and the last one switched. */
  press(row: number, column: number, range = false): void {
    [this.row, this.column] = [row, column];
    if (range && this.#anchor && row >= 0 && column >= 0)
      return this.#wizard.setCells(this.#between(this.#anchor, row, column), this.#anchor.on);
    const on = !this.isOn(row, column);
    this.#wizard.setCells(this.cellsAt(row, column), on);
    this.#anchor = row >= 0 && column >= 0 ? { row, column, on } : undefined;
  }

  /** Whether the key was one of the picture's. */
  key(event: Pick<KeyboardEvent, 'key' | 'shiftKey' | 'ctrlKey'>): boolean {
    const { key } = event;
    if (key === ' ' || key === 'Enter') return (this.press(this.row, this.column, event.shiftKey), true);
    if (key === '+' || key === '=' || key === '-') return (this.#step(key !== '-'), true);
    const move = MOVES[key];
    if (move) return (this.#move(this.row + move[0], this.column + move[1]), true);
    if (key === 'Home') return (this.#move(event.ctrlKey ? -1 : this.row, -1), true);
    if (key === 'End') return (this.#move(event.ctrlKey ? this.layers - 1 : this.row, this.targets.length - 1), true);
    return false;
  }

  #move(row: number, column: number): void {
    this.row = Math.max(-1, Math.min(this.layers - 1, row));
    this.column = Math.max(-1, Math.min(this.targets.length - 1, column));
  }

  #step(up: boolean): void {
    for (const cell of this.cellsAt(this.row, this.column))
      if (this.#wizard.chosen.has(cell)) this.#wizard.setRank(cell, nextRank(this.#wizard.rankOf(cell), up));
  }

  #between(from: { row: number; column: number }, row: number, column: number): string[] {
    const rows = range(from.row, row);
    return range(from.column, column).flatMap((at) => rows.map((layer) => cellName(layer, this.targets[at]!)));
  }
}

const MOVES: Record<string, readonly [rows: number, columns: number]> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

function range(a: number, b: number): number[] {
  return Array.from({ length: Math.abs(a - b) + 1 }, (_, i) => Math.min(a, b) + i);
}
