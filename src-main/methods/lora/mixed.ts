/**
 * Several LoRA adapters in one forward pass, each token with the one of its row. The A's of all adapters that adapt a
 * layer stand below each other, (R, in), their B's beside each other, (out, R), R the sum of the ranks:
 * y + ((x·A^T)·M)·B^T, where M, (N, R), holds an adapter's scale in the columns of its own rows and 0 elsewhere. Ranks
 * and targets may differ, each adapter is read once per pass, and there is nothing to gather. The price is R instead of
 * r columns per token, which is little beside a layer of many hundreds.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { RowAttachment } from '../../engine/generate/batch.ts';
import type { LinearInUse } from '../../engine/model/attachment.ts';
import type { Adapter } from '../adapter.ts';
import { placeOf } from '../targets.ts';
import { LoraAdapter } from './lora.ts';
import type { LoraPair } from './pair.ts';

interface Stack {
  /** (R, in) */
  A: tf.Tensor2D;
  /** (out, R) */
  B: tf.Tensor2D;
  /** Of each column: its adapter, and alpha/r. */
  columns: { adapter: LoraAdapter; scale: number }[];
  /** What M depends on: equal for layers that the same adapters adapt with the same ranks and scales. */
  key: string;
}

/** None, or one that a batch can hold beside others: no magnitudes, no biases. */
export function isMixable(adapter: Adapter | null): adapter is LoraAdapter | null {
  return adapter === null || (adapter instanceof LoraAdapter && adapter.updates() !== null);
}

export class MixedLora implements RowAttachment {
  private readonly rows: (LoraAdapter | null)[];
  private readonly stacks = new Map<string, Stack>();
  /** M by `Stack.key`, for the tokens of the pass under way. */
  private readonly masks = new Map<string, tf.Tensor2D>();
  /** The adapter of each token of the pass under way. */
  private tokens: (LoraAdapter | null)[] = [];

  /** rows: the adapter of each row of the batch; it does not become their owner. */
  constructor(rows: (LoraAdapter | null)[]) {
    this.rows = rows;
    const adapters = [...new Set(rows)].filter((adapter) => adapter !== null);
    const pairs = adapters.flatMap((adapter, index) => adapter.pairs.map((pair) => ({ adapter, index, pair })));
    for (const [place, group] of Map.groupBy(pairs, ({ pair }) => placeOf(pair.module))) {
      this.stacks.set(place, stackOf(group));
    }
  }

  /** Before a pass over T tokens of each of these rows (indices into the constructor's), one row after the other. */
  assign(rows: number[], T: number): void {
    tf.dispose([...this.masks.values()]);
    this.masks.clear();
    this.tokens = rows.flatMap((row) => Array<LoraAdapter | null>(T).fill(this.rows[row]!));
  }

  linear(y: tf.Tensor2D, x: tf.Tensor2D, { module }: Pick<LinearInUse, 'module'>): tf.Tensor2D {
    const stack = this.stacks.get(placeOf(module));
    if (!stack) return y;
    const low = tf.mul(tf.matMul(x, stack.A, false, true), this.maskOf(stack)); // (N, R)
    return tf.add(y, tf.matMul(low as tf.Tensor2D, stack.B, false, true));
  }

  dispose(): void {
    tf.dispose([...this.masks.values(), ...[...this.stacks.values()].flatMap(({ A, B }) => [A, B])]);
    this.masks.clear();
    this.stacks.clear();
  }

  private maskOf({ key, columns }: Stack): tf.Tensor2D {
    const known = this.masks.get(key);
    if (known) return known;
    const values = this.tokens.flatMap((own) => columns.map(({ adapter, scale }) => (adapter === own ? scale : 0)));
    const mask = tf.keep(tf.tensor2d(values, [this.tokens.length, columns.length]));
    this.masks.set(key, mask);
    return mask;
  }
}

function stackOf(group: { adapter: LoraAdapter; index: number; pair: LoraPair }[]): Stack {
  const rankOf = ({ A }: LoraPair): number => A.value.shape[0]!;
  return {
    A: tf.concat(
      group.map(({ pair }) => pair.A.value as tf.Tensor2D),
      0,
    ),
    B: tf.concat(
      group.map(({ pair }) => pair.B.value as tf.Tensor2D),
      1,
    ),
    columns: group.flatMap(({ adapter, pair }) =>
      Array.from({ length: rankOf(pair) }, () => ({ adapter, scale: pair.scale })),
    ),
    key: group.map(({ index, pair }) => `${index} ${rankOf(pair)} ${pair.scale}`).join(', '),
  };
}
