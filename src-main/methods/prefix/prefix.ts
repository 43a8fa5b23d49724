/**
 * Trained virtual tokens (Li & Liang 2021; Hu et al. 2021, section 5.1), l_p in front of the input and l_i between
 * prompt and answer. `embedding`: their input vectors. `layer`: their activations at the input of every block.
 * `key-value`: their keys and values in every layer, laid out as PEFT's prefix tuning does (P, L·2·K·D). All start as
 * what the base computes for words drawn from its vocabulary.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { ArchitectureSpec } from '../../engine/model/architecture.ts';
import type { VirtualTokens } from '../../engine/model/attachment.ts';
import type { Decoder } from '../../engine/model/decoder.ts';
import type { Parameter } from '../../engine/model/parameters.ts';
import { embedding } from '../../engine/ops/embedding.ts';
import { Random } from '../../../src-shared/random.ts';
import type { PrefixSettings } from '../../../src-shared/methods/prefix.ts';
import type { Adapter } from '../adapter.ts';
import type { Method } from '../method.ts';
import { parametersOf, saveOwn, valueOf } from '../values.ts';
import { prefixShapes, type PrefixOptions } from './files.ts';
import { writePrefixTuning } from './peft.ts';

export class PrefixAdapter implements Adapter {
  readonly virtual: VirtualTokens;
  private readonly trained: Parameter[];

  /** parameters: as prefixShapes names them. */
  constructor(spec: ArchitectureSpec, options: PrefixOptions, parameters: Parameter[]) {
    this.trained = parameters;
    const { prefixLength: prefix, infixLength: infix, kind } = options;
    const row = (layer: number): tf.Tensor2D => parameters[layer]!.value as tf.Tensor2D;
    const hooks: Record<PrefixOptions['kind'], Partial<VirtualTokens>> = {
      embedding: { embed: (x, index) => withRows(x, row(0), index) },
      layer: { enter: (x, layer, index) => withRows(x, row(layer), index) },
      'key-value': {
        keysValues: (k, v, layer, index) => {
          const width = spec.kvHeads * spec.headDim;
          const part = (which: number): tf.Tensor2D =>
            tf.slice(row(0), [0, (2 * layer + which) * width], [prefix, width]);
          return [withRows(k, part(0), index), withRows(v, part(1), index)];
        },
      },
    };
    this.virtual = { prefix, infix, ...hooks[kind] };
  }

  parameters(): Parameter[] {
    return this.trained;
  }

  dispose(): void {
    for (const { value } of this.trained) value.dispose();
  }
}

export const prefixMethod: Method<PrefixSettings, PrefixAdapter> = {
  create: (model, settings, { seed }) => ({ adapter: createPrefix(model, settings, seed) }),
  adapterFrom: ({ settings, tensors }, spec) => new PrefixAdapter(spec, settings, parametersOf(tensors)),
  async save(dir, adapter, { kind }, base, graft) {
    if (kind !== 'key-value') return saveOwn(dir, adapter, graft);
    return writePrefixTuning(dir, base.spec, await valueOf(adapter.parameters()[0]!), base.origin, graft);
  },
};

/** x: (N, C) with `rows` (P, C) at the virtual places of `index`. */
function withRows(x: tf.Tensor2D, rows: tf.Tensor2D, index: tf.Tensor1D): tf.Tensor2D {
  return embedding(tf.concat([x, rows], 0), index);
}

/** A new adapter. Throws BAD_PREFIX. */
export function createPrefix(model: Decoder, options: PrefixOptions, seed: number): PrefixAdapter {
  const { spec } = model;
  const shapes = prefixShapes(spec, options);
  const seen = activationsOfWords(model, options.prefixLength + options.infixLength, seed);
  const start: Record<PrefixOptions['kind'], () => tf.Tensor[]> = {
    embedding: () => seen.embeddings,
    layer: () => seen.inputs,
    'key-value': () => [tf.concat(seen.keysValues, 1)],
  };
  const values = tf.tidy(() => start[options.kind]().map((value) => tf.clone(value)));
  tf.dispose([seen.embeddings, seen.inputs, seen.keysValues]);
  return new PrefixAdapter(
    spec,
    options,
    shapes.map(({ name }, i) => ({ name, value: values[i]! })),
  );
}

interface Seen {
  /** (P, C), one. */
  embeddings: tf.Tensor2D[];
  /** (P, C) of each layer. */
  inputs: tf.Tensor2D[];
  /** (P, K·D), k and v of each layer. */
  keysValues: tf.Tensor2D[];
}

/** What the base computes at each place for P words of its vocabulary, drawn by the seed. The caller disposes it. */
function activationsOfWords(model: Decoder, count: number, seed: number): Seen {
  const { vocab } = model.spec;
  const random = Random.stream(seed, 'virtual tokens');
  const words = Array.from({ length: count }, () => random.integer(vocab));
  const seen: Seen = { embeddings: [], inputs: [], keysValues: [] };
  const ofWords = (x: tf.Tensor2D): tf.Tensor2D => tf.keep(tf.slice(x, [0, 0], [count, x.shape[1]]));
  // The decoder asks where there are virtual tokens; one behind the words, which no word sees, makes it ask.
  const watch: VirtualTokens = {
    prefix: 0,
    infix: 1,
    embed: (x) => (seen.embeddings.push(ofWords(x)), x),
    enter: (x) => (seen.inputs.push(ofWords(x)), tf.clone(x)),
    keysValues: (k, v) => (seen.keysValues.push(ofWords(k), ofWords(v)), [k, v]),
  };
  const watched = model.with({ virtual: watch });
  tf.tidy(() => void watched.hidden([...words, vocab], 1, count + 1));
  return seen;
}
