/**
 * Gradient checkpointing (Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost"): of a part of the forward
 * pass only its input is kept; when its gradient is due, the part is computed again, and the gradient goes through
 * that. The end of a part may be computed some rows at a time, both times, so that what it makes on its way does not
 * grow with the length of a row.
 */
import * as tf from '@tensorflow/tfjs-core';
import { engineState, type TapeNode } from '../backends/tfjsInternals.ts';
import type { Recompute, TwoOutputs } from '../model/forwardOptions.ts';
import { untaped } from '../ops/untaped.ts';
import { backward, freeSaved, record } from './gradients.ts';

/** Not ours to tfjs: gradients that nothing leads to come as null. */
const NODE = 'Recompute';

/** What the middle of a part may hold of one result: 32 MiB, which every device binds, and hundreds of rows fill. */
const FLOATS_AT_ONCE = 1 << 23;

/** `trained`: the tensors that gradients are wanted of. */
export function recomputing(trained: tf.Tensor[], floatsAtOnce = FLOATS_AT_ONCE): Recompute {
  /** Under way is the second time: what `byRows` gives leads nowhere, and is not computed. */
  let again = false;
  /** Of `trained`, those that `byRows` uses in the part under way. */
  let usedByRows: tf.Tensor[] = [];
  return {
    floatsAtOnce,
    whole(x, f, rewind) {
      const start = untaped(() => tf.clone(x));
      usedByRows = [];
      const { value: outputs, tape } = record(() => f(tf.clone(x)));
      const used = usedOf(tape, trained);
      const usedThere = usedByRows;
      freeSaved(tape);
      const secondTime = (): tf.Tensor[] => {
        rewind?.();
        [again, usedByRows] = [true, usedThere];
        try {
          return f(tf.clone(start));
        } finally {
          again = false;
        }
      };
      pushNode({ x }, used, outputs, [start], (dys) => gradientsAgain(secondTime, [start, ...used], dys));
      return outputs;
    },
    byRows(inputs, f, rows, rewind) {
      const kept = untaped(() => inputs.map((input) => tf.clone(input)));
      const parts = partsOf(inputs[0]!.shape[0], rows);
      if (!again) usedByRows = [];
      const outputs = again
        ? untaped(() => inputs.map((input) => tf.zerosLike(input)))
        : joined(
            parts.map((part) => {
              const { value, tape } = record(() => tf.tidy(() => f(part(inputs) as TwoOutputs)));
              usedByRows = usedOf(tape, trained, usedByRows);
              freeSaved(tape);
              return value;
            }),
          );
      const used = usedByRows;
      const named = Object.fromEntries(inputs.map((input, i) => [`x${i}`, input]));
      pushNode(named, used, outputs, kept, (dys) => {
        rewind?.();
        return gradientsByRows(f, kept, used, dys, parts);
      });
      return outputs as TwoOutputs;
    },
  };
}

/** A step of the backward pass: from gradients of the outputs to those of the inputs and of `used`, in this order. */
function pushNode(
  inputs: Record<string, tf.Tensor>,
  used: tf.Tensor[],
  outputs: tf.Tensor[],
  saved: tf.Tensor[],
  gradients: (dys: (tf.Tensor | null)[]) => tf.Tensor[],
): void {
  const outer = engineState().activeTape;
  if (!outer) throw new Error('there is no gradient to compute it again for');
  const named = { ...inputs, ...Object.fromEntries(used.map((tensor, i) => [`p${i}`, tensor])) };
  outer.push({
    kernelName: NODE,
    inputs: named,
    outputs,
    saved,
    gradient: (dys) => {
      const results = gradients(dys);
      return Object.fromEntries(Object.keys(named).map((name, i) => [name, () => results[i]!]));
    },
  });
}

/** Those of `trained` that an op on the tape reads, or that are in `known`. */
function usedOf(tape: TapeNode[], trained: tf.Tensor[], known: tf.Tensor[] = []): tf.Tensor[] {
  const read = new Set([...known, ...tape.flatMap(({ inputs }) => Object.values(inputs))].map(({ id }) => id));
  return trained.filter(({ id }) => read.has(id));
}

/** Takes the same rows of each matrix, as constants to the tape. */
type Part = (of: readonly tf.Tensor2D[]) => tf.Tensor2D[];

/** N rows in the fewest parts of at most `rows`, of like size. */
function partsOf(N: number, rows: number): Part[] {
  const size = Math.ceil(N / Math.ceil(N / rows));
  return Array.from({ length: Math.ceil(N / size) }, (_, i) => (of) => {
    const [start, count] = [i * size, Math.min(size, N - i * size)];
    return untaped(() => of.map((x) => tf.slice(x, [start, 0], [count, x.shape[1]])));
  });
}

/** Each result of the parts as a whole; uses them up. */
function joined(parts: tf.Tensor[][]): tf.Tensor[] {
  const wholes = untaped(() =>
    parts[0]!.map((_, i) =>
      tf.concat(
        parts.map((part) => part[i] as tf.Tensor2D),
        0,
      ),
    ),
  );
  tf.dispose(parts);
  return wholes;
}

/** Gradients of f's inputs and of `used`, from those of its outputs, one part after the other. */
function gradientsByRows(
  f: (inputs: TwoOutputs) => tf.Tensor[],
  inputs: tf.Tensor2D[],
  used: tf.Tensor[],
  dys: (tf.Tensor | null)[],
  parts: Part[],
): tf.Tensor[] {
  const ofInputs: tf.Tensor[][] = [];
  let ofUsed: tf.Tensor[] = [];
  for (const part of parts) {
    const gradients = tf.tidy(() => {
      const xs = part(inputs);
      const partDys = dys.map((dy) => (dy ? part([dy as tf.Tensor2D])[0]! : null));
      return gradientsAgain(() => f(xs as TwoOutputs), [...xs, ...used], partDys);
    });
    ofInputs.push(gradients.slice(0, inputs.length));
    const more = gradients.slice(inputs.length);
    const before = ofUsed;
    ofUsed = before.length ? more.map((gradient, i) => tf.add(gradient, before[i]!)) : more;
    if (before.length) tf.dispose([...more, ...before]);
  }
  return [...joined(ofInputs), ...ofUsed];
}

/** Gradient of each of `xs` through what f computes anew; zeros where nothing leads to it. */
function gradientsAgain(f: () => tf.Tensor[], xs: tf.Tensor[], dys: (tf.Tensor | null)[]): tf.Tensor[] {
  const { value: outputs, tape } = record(f);
  const seeds = outputs.map((output, i) => ({ output, gradient: dys[i] ? tf.clone(dys[i]) : tf.zerosLike(output) }));
  return backward(tape, xs, seeds).map((gradient, i) => gradient ?? tf.zerosLike(xs[i]!));
}
