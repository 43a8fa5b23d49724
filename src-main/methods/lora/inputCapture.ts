/** What linear layers read in a forward pass of the base: their inputs at chosen tokens, for EVA. */
import * as tf from '@tensorflow/tfjs-core';
import type { LinearModule } from '../../engine/model/architecture.ts';
import type { Attachment, LinearInUse } from '../../engine/model/attachment.ts';
import type { Decoder } from '../../engine/model/decoder.ts';
import { packedIndex } from '../../engine/model/packing.ts';
import { labelledStates, type Batch } from '../../engine/train/batchLoss.ts';
import { placeOf } from '../targets.ts';

/** Most bytes of inputs that are held at a time; for more, the pass is made again. */
const HELD_BYTES = 256 * 2 ** 20;

/** Tokens whose inputs count: those with a label of their own; where texts are classified, all of them. */
export function countedTokens({ labels, mask, classes }: Batch): number[] {
  const { tokens } = packedIndex(mask);
  return [...tokens.keys()].filter((i) => classes !== undefined || labels[tokens[i]!]! >= 0);
}

/**
 * Passes the inputs of `modules` to `take`, one after the other, (n, in) row by row for the n counted tokens of the
 * batch.
 */
export async function eachInput(
  model: Decoder,
  modules: LinearModule[],
  batch: Batch,
  take: (module: LinearModule, rows: Float32Array) => Promise<void>,
): Promise<void> {
  const tokens = countedTokens(batch);
  for (const group of groupsWithin(modules, tokens.length)) {
    const held = heldInputs(model, group, batch, tokens);
    for (const module of group) {
      const input = held.get(placeOf(module))!;
      const rows = (await input.data()) as Float32Array;
      input.dispose();
      await take(module, rows);
    }
  }
}

function groupsWithin(modules: LinearModule[], tokens: number): LinearModule[][] {
  const groups: LinearModule[][] = [];
  let room = 0;
  for (const module of modules) {
    const bytes = 4 * tokens * module.inFeatures;
    if (groups.length === 0 || bytes > room) {
      groups.push([]);
      room = HELD_BYTES;
    }
    groups.at(-1)!.push(module);
    room -= bytes;
  }
  return groups;
}

function heldInputs(model: Decoder, modules: LinearModule[], batch: Batch, tokens: number[]): Map<string, tf.Tensor2D> {
  const wanted = new Set(modules.map(placeOf));
  const held = new Map<string, tf.Tensor2D>();
  const index = tf.tensor1d(tokens, 'int32');
  watch(model, batch, (x, { module }) => {
    const place = placeOf(module);
    if (wanted.has(place)) held.set(place, tf.keep(tf.gather(x, index)));
  });
  index.dispose();
  return held;
}

/** By place: the first matrix in the order of the pass that reads the same input; itself where it is the first. */
export function firstReaders(model: Decoder, modules: LinearModule[], batch: Batch): Map<string, LinearModule> {
  const wanted = new Set(modules.map(placeOf));
  const byInput = new Map<number, LinearModule>();
  const first = new Map<string, LinearModule>();
  watch(model, batch, (x, { module }) => {
    if (!wanted.has(placeOf(module))) return;
    if (!byInput.has(x.id)) byInput.set(x.id, module);
    first.set(placeOf(module), byInput.get(x.id)!);
  });
  return first;
}

function watch(model: Decoder, batch: Batch, look: (x: tf.Tensor2D, at: LinearInUse) => void): void {
  const attachment: Attachment = {
    linear: (y, x, at) => {
      look(x, at);
      return y;
    },
  };
  tf.tidy(() => void labelledStates(model.with(attachment), batch));
}
