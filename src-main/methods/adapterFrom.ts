/** The content of a stored adapter, checked against its base, as an adapter on the current backend. */
import * as tf from '@tensorflow/tfjs-core';
import type { AdapterContent, Cell } from '../adapters/content.ts';
import type { NamedTensors } from '../adapters/files.ts';
import type { Adapter } from './attached.ts';
import { BiasAdapter } from './bitfit/biases.ts';
import { BottleneckAdapter } from './bottleneck/bottleneck.ts';
import { LohaAdapter, makeLohaCell } from './loha/loha.ts';
import { LokrAdapter, makeLokrCell } from './lokr/lokr.ts';
import { LoraAdapter, makePair } from './lora/lora.ts';
import { PrefixAdapter } from './prefix/prefix.ts';
import type { LokrShapes } from './shapes.ts';
import type { ArchitectureSpec } from '../engine/model/architecture.ts';
import type { Parameter } from '../engine/model/parameters.ts';
import { SCORE } from '../engine/model/tensorNames.ts';

export function adapterFrom(content: AdapterContent, spec: ArchitectureSpec): Adapter {
  switch (content.type) {
    case 'weights':
      return weightsAdapter(content.cells, overridesOf(content));
    case 'adapter':
      return new BottleneckAdapter(content.options.kind, parametersOf(content.tensors));
    case 'prefix':
      return new PrefixAdapter(spec, content.options, parametersOf(content.tensors));
    default:
      return content satisfies never;
  }
}

function overridesOf({ biases, score }: Extract<AdapterContent, { type: 'weights' }>): Parameter[] {
  const all: Parameter[] = [...biases].map(([name, data]) => ({ name, value: tf.tensor1d(data) }));
  if (score) all.push({ name: SCORE, value: tf.tensor2d(score.data, score.shape) });
  return all;
}

/** All cells of a folder are of one method. */
function weightsAdapter(cells: Cell[], overrides: Parameter[]): Adapter {
  const of = <T extends Cell['type']>(type: T): Extract<Cell, { type: T }>[] =>
    cells.filter((cell): cell is Extract<Cell, { type: T }> => cell.type === type);
  switch (cells[0]?.type) {
    case 'lora':
      return new LoraAdapter(
        of('lora').map(({ module, A, B, scale, magnitude }) =>
          makePair(module, A.data, B.data, A.shape[0], scale, magnitude),
        ),
        overrides,
      );
    case 'loha':
      return new LohaAdapter(
        of('loha').map(({ module, parts, scale }) =>
          makeLohaCell(module, parts.hada_w1_b.shape[0]!, scale, (part) => parts[part].data),
        ),
      );
    case 'lokr':
      return new LokrAdapter(
        of('lokr').map(({ module, parts, scale }) => {
          const shapes = Object.fromEntries(
            Object.entries(parts).map(([part, { shape }]) => [part, shape]),
          ) as LokrShapes;
          return makeLokrCell(module, scale, shapes, (part) => parts[part]!.data);
        }),
      );
    case undefined:
      return new BiasAdapter(overrides);
  }
}

function parametersOf(tensors: NamedTensors): Parameter[] {
  return [...tensors].map(([name, { shape, data }]) => ({ name, value: tf.tensor(data, shape) }));
}
