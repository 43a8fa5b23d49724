/**
 * Reverse-mode differentiation over tfjs's tape, like tf.engine().gradients, but frugal: tfjs keeps every intermediate
 * gradient and every saved activation until the whole backward pass is over; here each is freed right after its last use,
 * so the peak is the activations plus a few layers' gradients instead of twice the activations.
 */
import * as tf from '@tensorflow/tfjs-core';

/** What tfjs records per op (tfjs-core's tape.ts). */
interface TapeNode {
  kernelName: string;
  inputs: Record<string, tf.Tensor>;
  outputs: tf.Tensor[];
  saved?: tf.Tensor[];
  gradient?: (dys: (tf.Tensor | null)[]) => Record<string, (sum?: tf.Tensor) => tf.Tensor>;
}

interface TapeState {
  activeTape: TapeNode[] | null;
  gradientDepth: number;
}

/** A step of the backward pass: the node, and those of its inputs that lead back to what is trained. */
interface Step {
  node: TapeNode;
  inputNames: string[];
}

/**
 * Value of the scalar f() and its gradient for each tensor of `xs`, in their order. The caller disposes them.
 * Throws when f() does not depend on one of them.
 */
export function valueAndGradients(f: () => tf.Scalar, xs: tf.Tensor[]): { value: tf.Scalar; gradients: tf.Tensor[] } {
  const { value, tape } = record(f);
  const steps = relevantSteps(tape, xs, value);
  const needed = new Set(steps.map(({ node }) => node));
  for (const node of tape) if (!needed.has(node)) tf.dispose(node.saved ?? []);
  const gradientOf = new Map<number, tf.Tensor>([[value.id, tf.scalar(1)]]);
  for (const step of steps.reverse()) runStep(step, gradientOf);
  return { value, gradients: xs.map((x) => takeGradient(x, gradientOf)) };
}

function record(f: () => tf.Scalar): { value: tf.Scalar; tape: TapeNode[] } {
  const state = tf.engine().state as unknown as TapeState;
  const tape: TapeNode[] = [];
  state.activeTape = tape;
  state.gradientDepth++;
  try {
    return { value: tf.tidy(f), tape };
  } finally {
    state.gradientDepth--;
    state.activeTape = null;
  }
}

/** The nodes on a path from `xs` to `y`, in the order of the forward pass. */
function relevantSteps(tape: TapeNode[], xs: tf.Tensor[], y: tf.Tensor): Step[] {
  const fromX = new Set(xs.map((x) => x.id));
  const reached = new Map<TapeNode, string[]>();
  for (const node of tape) {
    const inputNames = Object.keys(node.inputs).filter((name) => fromX.has(node.inputs[name]!.id));
    if (inputNames.length === 0) continue;
    reached.set(node, inputNames);
    for (const output of node.outputs) fromX.add(output.id);
  }
  const toY = new Set([y.id]);
  const steps: Step[] = [];
  for (const node of tape.toReversed()) {
    const inputNames = reached.get(node);
    if (!inputNames || !node.outputs.some((output) => toY.has(output.id))) continue;
    for (const name of inputNames) toY.add(node.inputs[name]!.id);
    steps.push({ node, inputNames });
  }
  return steps.reverse();
}

/** Turns the gradients of a node's outputs into those of its inputs, and frees what nobody needs any more. */
function runStep({ node, inputNames }: Step, gradientOf: Map<number, tf.Tensor>): void {
  const { kernelName, gradient, saved = [] } = node;
  if (!gradient) throw new Error(`no gradient is registered for ${kernelName}`);
  const dys = node.outputs.map((output) => gradientOf.get(output.id) ?? null);
  let before: (tf.Tensor | undefined)[] = [];
  const results = tf.tidy(() => {
    const thunks = gradient(kernelName.startsWith('Graft') ? withoutNulls(dys) : dys);
    before = inputNames.map((name) => (thunks[name]!.length > 0 ? gradientOf.get(node.inputs[name]!.id) : undefined));
    // A thunk may hand a gradient through unchanged; a clone lets both be disposed.
    return inputNames.map((name, i) => tf.clone(thunks[name]!(before[i])));
  });
  for (const output of node.outputs) gradientOf.delete(output.id);
  tf.dispose([...dys.filter((dy) => dy !== null), ...saved]);
  inputNames.forEach((name, i) => {
    const { id } = node.inputs[name]!;
    if (before[i]) gradientOf.delete(id); // it is part of the result
    before[i]?.dispose();
    addGradient(id, results[i]!, gradientOf);
  });
}

/** Our own ops never look at the gradient of an output that only they use; tfjs would fill in zeros of its full size. */
function withoutNulls(dys: (tf.Tensor | null)[]): tf.Tensor[] {
  const nothing = tf.scalar(0);
  return dys.map((dy) => dy ?? nothing);
}

function addGradient(id: number, gradient: tf.Tensor, gradientOf: Map<number, tf.Tensor>): void {
  const before = gradientOf.get(id);
  gradientOf.set(id, before ? tf.add(before, gradient) : gradient);
  if (before) tf.dispose([before, gradient]);
}

function takeGradient(x: tf.Tensor, gradientOf: Map<number, tf.Tensor>): tf.Tensor {
  const gradient = gradientOf.get(x.id);
  if (!gradient) throw new Error('the loss does not depend on one of the trained tensors');
  return gradient;
}
