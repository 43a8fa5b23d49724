/**
 * An adapter as pairs of thin matrices and nothing else, which is all that other runtimes' formats can say. What an
 * adapter is beyond that is refused by name, so that no export silently computes something else.
 */
import { GraftError } from '../../../src-shared/errors.ts';
import { descriptorOf, type AdapterSettings } from '../../../src-shared/methods/registry.ts';
import type { LinearModule } from '../../engine/model/architecture.ts';
import type { AdapterContent } from '../content.ts';
import type { NamedTensor } from '../files.ts';

/** dW = scale·B·A of one linear layer, (out, in) whatever the layer's own layout. */
export interface LoraMatrices {
  module: LinearModule;
  scale: number;
  /** (r, in) */
  A: NamedTensor;
  /** (out, r) */
  B: NamedTensor;
  /** (out), with DoRA. */
  magnitude?: Float32Array;
}

export interface Refusals {
  /** The adapter, for messages. */
  dir: string;
  /** How the format is called in a message. */
  format: string;
  /** Whether the format has a place for DoRA's magnitudes. */
  dora?: boolean;
}

/** Throws NOT_PLAIN_LORA naming the one thing that the format has no place for. */
export function loraMatrices(content: AdapterContent, { dir, format, dora = false }: Refusals): LoraMatrices[] {
  const refuse = (what: string, instead = MERGE_OR_COMPRESS): GraftError => notPlain(dir, what, format, instead);
  const { settings, cells, biases, tensors, score, replaced } = content;
  if (settings.type !== 'lora') throw refuse(`is of method ${descriptorOf(settings.type).name}`, insteadOf(settings));
  if (score) throw refuse('classifies texts with a head of its own', BESIDE_ITS_BASE);
  if (replaced.size > 0) throw refuse(`has values of its own for ${[...replaced.keys()][0]}`, MERGE);
  if (biases.size > 0) throw refuse(`also trains biases (${[...biases.keys()][0]})`, MERGE);
  if (tensors.size > 0) throw refuse(`also holds ${[...tensors.keys()][0]}`, MERGE);
  return cells.map(({ module, scale, parts }) => {
    const { lora_A: A, lora_B: B, lora_magnitude_vector: magnitude, ...others } = parts;
    const [other] = Object.keys(others);
    if (!A || !B || other !== undefined) throw refuse(`has ${other ?? 'no lora_A and lora_B'} at ${module.module}`);
    if (magnitude && !dora) throw refuse('is a DoRA, which rescales the weights');
    return { module, scale, A, B, ...(magnitude ? { magnitude: magnitude.data } : {}) };
  });
}

const MERGE = 'export the merged model instead';
const MERGE_OR_COMPRESS = `${MERGE}, or make a plain LoRA of it with "lab compress"`;
const BESIDE_ITS_BASE = 'use it as an adapter beside its base';

function insteadOf({ type }: AdapterSettings): string {
  const { notMergeable } = descriptorOf(type);
  if (notMergeable !== undefined) return BESIDE_ITS_BASE;
  return type === 'bitfit' ? MERGE : MERGE_OR_COMPRESS;
}

function notPlain(dir: string, what: string, format: string, instead: string): GraftError {
  return new GraftError(
    'NOT_PLAIN_LORA',
    `The adapter in ${dir} ${what}, for which ${format} has no place; ${instead}.`,
    { adapter: dir },
  );
}

/** B times a factor, as float32; the values themselves where the factor is 1. */
export function scaledB({ B }: LoraMatrices, factor: number): NamedTensor {
  return factor === 1 ? B : { shape: B.shape, data: B.data.map((value) => value * factor) };
}

/** The value that most have; of several such, the first. */
export function commonest(values: number[]): number {
  const counts = [...Map.groupBy(values, (value) => value)].map(([value, all]) => ({ value, count: all.length }));
  return counts.reduce((best, one) => (one.count > best.count ? one : best)).value;
}

/** The transpose of a matrix. */
export function transposed({ shape, data }: NamedTensor): NamedTensor {
  const [rows, columns] = shape as [number, number];
  const turned = new Float32Array(data.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) turned[j * rows + i] = data[i * columns + j]!;
  return { shape: [columns, rows], data: turned };
}
