/** The angles of the rotary position embedding on the device, kept from pass to pass. */
import * as tf from '@tensorflow/tfjs-core';
import type { ArchitectureSpec } from './architecture.ts';
import type { TokenRows } from './packing.ts';
import { ropeKind, ropeOf, ropeTables, type RopeKind } from './rope.ts';
import { frequencyLength } from './ropeScaling.ts';

/** Of the rows' positions: (T, R/2), R being the floats of a head that turn; or (B, 1, T, R/2), each row its own. */
export interface RotaryAngles {
  cos: tf.Tensor;
  sin: tf.Tensor;
}

/** For positions 0 to T - 1, both (T, R/2). */
interface Table {
  T: number;
  cos: tf.Tensor2D;
  sin: tf.Tensor2D;
}

interface Pass {
  start: number;
  T: number;
  /** Where rows are at positions of their own. */
  rows: TokenRows | undefined;
  /** Tokens of each row at the end of the pass. */
  ends: number[];
}

export class RotaryTables {
  private readonly spec: ArchitectureSpec;
  private readonly kinds: RopeKind[];
  /** By kind and by what `frequencyLength` makes of a text's length. */
  private readonly tables = new Map<RopeKind, Map<number, Table>>();

  constructor(spec: ArchitectureSpec) {
    this.spec = spec;
    const all = Array.from({ length: spec.layers }, (_, layer) => ropeKind(spec, layer));
    this.kinds = [...new Set(all)].filter((kind) => kind !== undefined);
    for (const kind of this.kinds) this.tables.set(kind, new Map());
  }

  /** Whether the frequencies of a text depend on how long it is. */
  get dependsOnLength(): boolean {
    return this.changes(0, Infinity);
  }

  /** Whether texts of these lengths have different frequencies. */
  changes(length: number, other: number): boolean {
    return this.kinds.some((kind) => this.lengthOf(kind, length) !== this.lengthOf(kind, other));
  }

  /**
   * cos and sin by layer, null where a layer has no positions. Rows at positions of their own have the frequencies of
   * their own length; otherwise the longest row decides for all, as in transformers. Call it under tidy.
   */
  ofPass(pass: Pass): (layer: number) => RotaryAngles | null {
    const angles = new Map(this.kinds.map((kind) => [kind, this.angles(kind, pass)]));
    return (layer) => {
      const kind = ropeKind(this.spec, layer);
      return (kind && angles.get(kind)) ?? null;
    };
  }

  dispose(): void {
    for (const tables of this.tables.values()) keepOnly(tables, []);
  }

  private lengthOf(kind: RopeKind, length: number): number {
    return frequencyLength(ropeOf(this.spec, kind).scaling, length);
  }

  private angles(kind: RopeKind, { start, T, rows, ends }: Pass): RotaryAngles {
    const lengths = (rows ? ends : [Math.max(...ends)]).map((end) => this.lengthOf(kind, end));
    const distinct = [...new Set(lengths)];
    const tables = this.tablesFor(kind, distinct, start + T);
    const all = (name: 'cos' | 'sin'): tf.Tensor2D =>
      tables.length === 1 ? tables[0]![name] : tf.concat(tables.map((table) => table[name]));
    const half = tables[0]!.cos.shape[1];
    if (!rows) {
      const taken = (name: 'cos' | 'sin'): tf.Tensor => tf.slice(all(name), [start, 0], [T, half]);
      return { cos: taken('cos'), sin: taken('sin') };
    }
    const firstRows = tables.map((_, i) => tables.slice(0, i).reduce((sum, table) => sum + table.T, 0));
    const offsets = lengths.flatMap((length) => new Array<number>(T).fill(firstRows[distinct.indexOf(length)]!));
    const index: tf.Tensor1D =
      tables.length === 1 ? rows.positions : tf.add(rows.positions, tf.tensor1d(offsets, 'int32'));
    const taken = (name: 'cos' | 'sin'): tf.Tensor => tf.reshape(tf.gather(all(name), index), [rows.B, 1, T, half]);
    return { cos: taken('cos'), sin: taken('sin') };
  }

  /** Tables of at least `end` positions; they grow when a longer sequence comes. */
  private tablesFor(kind: RopeKind, lengths: number[], end: number): Table[] {
    const tables = this.tables.get(kind)!;
    if (tables.size > MOST_KEPT) keepOnly(tables, lengths);
    return lengths.map((length) => {
      const known = tables.get(length);
      if (known && known.T >= end) return known;
      const made = this.table(kind, length, Math.max(end, Math.min(this.spec.maxPositions, 2 * end)));
      free(known);
      tables.set(length, made);
      return made;
    });
  }

  private table(kind: RopeKind, length: number, T: number): Table {
    const { cos, sin } = ropeTables(ropeOf(this.spec, kind), T, length);
    const kept = (values: Float32Array): tf.Tensor2D => tf.keep(tf.tensor2d(values, [T, values.length / T]));
    return { T, cos: kept(cos), sin: kept(sin) };
  }
}

/** Dynamic scaling has frequencies for every length. */
const MOST_KEPT = 2;

function keepOnly(tables: Map<number, Table>, lengths: number[]): void {
  for (const [length, table] of tables) {
    if (lengths.includes(length)) continue;
    free(table);
    tables.delete(length);
  }
}

function free(table: Table | undefined): void {
  table?.cos.dispose();
  table?.sin.dispose();
}
