/** The angles of the rotary position embedding on the device, kept from pass to pass. */
import * as tf from '@tensorflow/tfjs-core';
import type { ArchitectureSpec } from './architecture.ts';
import type { TokenRows } from './packing.ts';
import { ropeTables } from './rope.ts';

/** Of the rows' positions: (T, R/2), R being the floats of a head that turn; or (B, 1, T, R/2), each row its own. */
export interface RotaryAngles {
  cos: tf.Tensor;
  sin: tf.Tensor;
}

export class RotaryTables {
  private readonly spec: ArchitectureSpec;
  /** For positions 0 to T - 1, both (T, R/2). */
  private tables: { T: number; cos: tf.Tensor2D; sin: tf.Tensor2D } | null = null;

  constructor(spec: ArchitectureSpec) {
    this.spec = spec;
  }

  /** cos and sin for T positions from `start`, or for the positions of each of `rows`. Call it under tidy. */
  angles(start: number, T: number, rows?: TokenRows): RotaryAngles {
    const { cos, sin } = this.upTo(start + T);
    const half = cos.shape[1];
    const taken = (table: tf.Tensor2D): tf.Tensor =>
      rows
        ? tf.reshape(tf.gather(table, rows.positions), [rows.B, 1, T, half])
        : tf.slice(table, [start, 0], [T, half]);
    return { cos: taken(cos), sin: taken(sin) };
  }

  dispose(): void {
    this.tables?.cos.dispose();
    this.tables?.sin.dispose();
    this.tables = null;
  }

  /** Tables of at least `end` positions; they grow when a longer sequence comes. */
  private upTo(end: number): { cos: tf.Tensor2D; sin: tf.Tensor2D } {
    if (this.tables && this.tables.T >= end) return this.tables;
    this.dispose();
    const { spec } = this;
    const T = Math.max(end, Math.min(spec.maxPositions, 2 * end));
    const half = (spec.rotaryDim ?? spec.headDim) / 2;
    const { cos, sin } = ropeTables(spec, T);
    const kept = (values: Float32Array): tf.Tensor2D => tf.keep(tf.tensor2d(values, [T, half]));
    this.tables = { T, cos: kept(cos), sin: kept(sin) };
    return this.tables;
  }
}
