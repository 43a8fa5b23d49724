/**
 * Gradient checkpointing (Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost"): of a part of the forward
 * pass only its input is kept; when its gradient is due, the part is computed again, and the gradient goes through
 * that.
 */
import * as tf from '@tensorflow/tfjs-core';
import { engineState, type TapeNode } from '../backends/tfjsInternals.ts';
import type { Recompute } from '../model/decoder.ts';
import { untaped } from '../ops/untaped.ts';
import { backward, record } from './gradients.ts';

/** Not ours to tfjs: gradients that nothing leads to come as null. */
const NODE = 'Recompute';

/** `trained`: the tensors that gradients are wanted of. */
export function recomputing(trained: tf.Tensor[]): Recompute {
  return (x, f, rewind) => {
    const outer = engineState().activeTape;
    if (!outer) throw new Error('there is no gradient to compute it again for');
    const start = untaped(() => tf.clone(x));
    const { value: outputs, tape } = record(() => f(tf.clone(x)));
    const inner = new Set(tape.flatMap((node) => Object.values(node.inputs).map(({ id }) => id)));
    for (const node of tape) tf.dispose(node.saved ?? []);
    const used = trained.filter(({ id }) => inner.has(id));
    outer.push({
      kernelName: NODE,
      inputs: { x, ...Object.fromEntries(used.map((tensor, i) => [`p${i}`, tensor])) },
      outputs,
      saved: [start],
      gradient: (dys) =>
        gradientsAgain(
          () => {
            rewind?.();
            return f(tf.clone(start));
          },
          [start, ...used],
          dys,
        ),
    });
    return outputs;
  };
}

/** One thunk per input, x first. */
function gradientsAgain(
  f: () => tf.Tensor[],
  [x, ...used]: [tf.Tensor, ...tf.Tensor[]],
  dys: (tf.Tensor | null)[],
): ReturnType<NonNullable<TapeNode['gradient']>> {
  const { value: outputs, tape } = record(f);
  const seeds = outputs.map((output, i) => ({ output, gradient: dys[i] ? tf.clone(dys[i]) : tf.zerosLike(output) }));
  const gradients = backward(tape, [x, ...used], seeds);
  const thunk =
    (tensor: tf.Tensor, i: number): (() => tf.Tensor) =>
    () =>
      gradients[i] ?? tf.zerosLike(tensor);
  return { x: thunk(x, 0), ...Object.fromEntries(used.map((tensor, i) => [`p${i}`, thunk(tensor, i + 1)])) };
}
