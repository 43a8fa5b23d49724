/**
 * Reverse-mode differentiation over tfjs's tape, like tf.engine().gradients, but frugal: tfjs keeps every intermediate
 * gradient and every saved activation until the whole backward pass is over; here each is freed right after its last
 * use, so the peak is the activations plus a few layers' gradients instead of twice the activations.
 */
import * as tf from '@tensorflow/tfjs-core';
import { engineState, type TapeNode } from '../backends/tfjsInternals.ts';

/** A step of the backward pass: the node, and those of its inputs that lead back to what is trained. */
interface Step {
  node: TapeNode;
  inputs: { name: string; id: number }[];
}

/** A scalar to be differentiated, and what else is wanted of the same pass. */
export type Valued = { value: tf.Scalar; beside?: tf.Tensor };

/**
 * Value of the scalar f() and its gradient for each tensor of `xs`, in their order. The caller disposes them. What f
 * makes on its way goes before the backward pass, unless `keepForward` (parts of f are run again there). Throws when
 * f() does not depend on one of them.
 */
export function valueAndGradients(
  f: () => tf.Scalar,
  xs: tf.Tensor[],
  options: { keepForward?: boolean } = {},
): { value: tf.Scalar; gradients: tf.Tensor[] } {
  return valuedGradients(() => ({ value: f() }), xs, options);
}

/** The same of an f that gives more than the scalar, which then belongs to the caller too. */
export function valuedGradients<T extends Valued>(
  f: () => T,
  xs: tf.Tensor[],
  { keepForward = false } = {},
): T & { gradients: tf.Tensor[] } {
  if (keepForward) return tf.tidy(() => differentiated(f, xs));
  return differentiated(() => tf.tidy(f), xs);
}

function differentiated<T extends Valued>(f: () => T, xs: tf.Tensor[]): T & { gradients: tf.Tensor[] } {
  const { value: found, tape } = record(f);
  const gradients = backward(tape, xs, [{ output: found.value, gradient: tf.scalar(1) }]);
  if (gradients.some((gradient) => !gradient))
    throw new Error('the loss does not depend on one of the trained tensors');
  return { ...found, gradients: gradients as tf.Tensor[] };
}

/** What f returns, and the ops on the way there; an error frees what they have saved. */
export function record<T>(f: () => T): { value: T; tape: TapeNode[] } {
  const state = engineState();
  const before = state.activeTape;
  const tape: TapeNode[] = [];
  state.activeTape = tape;
  state.gradientDepth++;
  try {
    return { value: f(), tape };
  } catch (error) {
    freeSaved(tape);
    throw error;
  } finally {
    state.gradientDepth--;
    state.activeTape = before;
  }
}

/**
 * Gradient of each of `xs`, from the `gradient` of each output, which is used up; null where the outputs do not depend
 * on it. Frees what the tape has saved, also when an error comes.
 */
export function backward(
  tape: TapeNode[],
  xs: tf.Tensor[],
  outputs: { output: tf.Tensor; gradient: tf.Tensor }[],
): (tf.Tensor | null)[] {
  const steps = relevantSteps(
    tape,
    xs,
    outputs.map(({ output }) => output),
  );
  const needed = new Set(steps.map(({ node }) => node));
  freeSaved(tape.filter((node) => !needed.has(node)));
  const gradientOf = new Map(outputs.map(({ output, gradient }) => [output.id, gradient]));
  try {
    for (const step of steps.reverse()) runStep(step, gradientOf);
  } catch (error) {
    freeSaved(tape);
    throw error;
  }
  return xs.map((x) => gradientOf.get(x.id) ?? null);
}

/** What the ops have kept for their gradients. */
export function freeSaved(tape: TapeNode[]): void {
  for (const { saved } of tape) tf.dispose(saved ?? []);
}

/** The nodes on a path from `xs` to `ys`, in the order of the forward pass. */
function relevantSteps(tape: TapeNode[], xs: tf.Tensor[], ys: tf.Tensor[]): Step[] {
  const fromX = new Set(xs.map((x) => x.id));
  const reached = new Map<TapeNode, Step['inputs']>();
  for (const node of tape) {
    const inputs = Object.entries(node.inputs).flatMap(([name, { id }]) => (fromX.has(id) ? [{ name, id }] : []));
    if (inputs.length === 0) continue;
    reached.set(node, inputs);
    for (const output of node.outputs) fromX.add(output.id);
  }
  const toY = new Set(ys.map((y) => y.id));
  const steps: Step[] = [];
  for (const node of tape.toReversed()) {
    const inputs = reached.get(node);
    if (!inputs || !node.outputs.some((output) => toY.has(output.id))) continue;
    for (const { id } of inputs) toY.add(id);
    steps.push({ node, inputs });
  }
  return steps.reverse();
}

/** Turns the gradients of a node's outputs into those of its inputs, and frees what nobody needs any more. */
function runStep({ node, inputs }: Step, gradientOf: Map<number, tf.Tensor>): void {
  const { kernelName, gradient, saved = [] } = node;
  if (!gradient) throw new Error(`no gradient is registered for ${kernelName}`);
  const dys = node.outputs.map((output) => gradientOf.get(output.id) ?? null);
  const sums = new Map<number, tf.Tensor>();
  const results = tf.tidy(() => {
    const thunks = gradient(kernelName.startsWith('Graft') ? withoutNulls(dys) : dys);
    return inputs.map(({ name, id }) => {
      const thunk = thunks[name];
      if (!thunk) throw new Error(`${kernelName} has no gradient for its input ${name}`);
      const sum = thunk.length > 0 ? gradientOf.get(id) : undefined;
      if (sum) sums.set(id, sum);
      return { id, gradient: tf.clone(thunk(sum)) }; // it may hand dy through unchanged; so both can be disposed
    });
  });
  for (const output of node.outputs) gradientOf.delete(output.id);
  tf.dispose([...dys.filter((dy) => dy !== null), ...saved]);
  for (const [id, sum] of sums) {
    gradientOf.delete(id); // it is part of the result
    sum.dispose();
  }
  for (const { id, gradient } of results) addGradient(id, gradient, gradientOf);
}

/**
 * Our own ops never look at the gradient of an output that only they use; tfjs would fill in zeros of its full size.
 */
function withoutNulls(dys: (tf.Tensor | null)[]): tf.Tensor[] {
  const nothing = tf.scalar(0);
  return dys.map((dy) => dy ?? nothing);
}

function addGradient(id: number, gradient: tf.Tensor, gradientOf: Map<number, tf.Tensor>): void {
  const before = gradientOf.get(id);
  gradientOf.set(id, before ? tf.add(before, gradient) : gradient);
  if (before) tf.dispose([before, gradient]);
}
