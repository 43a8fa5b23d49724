/** Values of a base model's tensor out of a GGUF file: blocks as float32, rows and columns as in the checkpoint. */
import { readExactly, type CodedValues, type OpenFile } from '../safetensors/read.ts';
import { dequantise } from './dequantise/dequantise.ts';
import type { Change } from './families/family.ts';
import { GGML_TYPES, rowBytes } from './ggmlTypes.ts';
import type { GgufTensorInfo } from './read.ts';

/** shape: of the checkpoint's tensor. change: how the GGUF's values come from it. */
export function codedValues(
  source: OpenFile,
  info: GgufTensorInfo,
  shape: readonly number[],
  change: Change | undefined,
): CodedValues {
  const plain = (into: Float32Array, start: number): void => readElements(source, info, into, start);
  return { type: info.type, read: changed(plain, info, shape, change) };
}

type Read = CodedValues['read'];

function changed(plain: Read, info: GgufTensorInfo, shape: readonly number[], change: Change | undefined): Read {
  switch (change?.type) {
    case undefined:
      return plain;
    case 'plus':
      return (into, start) => {
        plain(into, start);
        for (let i = 0; i < into.length; i++) into[i] = into[i]! / (change.factor ?? 1) - change.term;
      };
    case 'times':
      return (into, start) => {
        plain(into, start);
        for (let i = 0; i < into.length; i++) into[i] = into[i]! / change.factor;
      };
    case 'rows':
      return inOtherRows(
        plain,
        shape.slice(1).reduce((product, n) => product * n, 1),
        change.ggufRow,
      );
    case 'transposed':
      return turned(plain, info);
  }
}

/** Row by row; the first and the last may be asked for in part. */
function inOtherRows(plain: Read, width: number, ggufRow: (row: number) => number): Read {
  return (into, start) => {
    for (let done = 0; done < into.length;) {
      const row = Math.floor((start + done) / width);
      const column = (start + done) % width;
      const count = Math.min(width - column, into.length - done);
      plain(into.subarray(done, done + count), ggufRow(row) * width + column);
      done += count;
    }
  };
}

/** The one that was asked for last: its rows are asked for piece by piece. */
let lastTurned: { info: GgufTensorInfo; values: Float32Array } | undefined;

/** (in, out) out of rows of the length `in`. */
function turned(plain: Read, info: GgufTensorInfo): Read {
  const [inputs = 1, outputs = 1] = info.dims;
  return (into, start) => {
    if (lastTurned?.info !== info) {
      const values = new Float32Array(inputs * outputs);
      plain(values, 0);
      lastTurned = { info, values };
    }
    const { values } = lastTurned;
    for (let i = 0; i < into.length; i++) {
      const at = start + i;
      into[i] = values[(at % outputs) * inputs + Math.floor(at / outputs)]!;
    }
    if (start + into.length === values.length) lastTurned = undefined;
  };
}

/** Elements `start` … in the order of the file; blocks at the ends are read whole. */
function readElements(source: OpenFile, { type, offset }: GgufTensorInfo, into: Float32Array, start: number): void {
  const { blockSize } = GGML_TYPES[type];
  const first = start - (start % blockSize);
  const end = Math.ceil((start + into.length) / blockSize) * blockSize;
  const bytes = new Uint8Array(rowBytes(type, end - first));
  readExactly(source, bytes, offset + rowBytes(type, first));
  if (first === start && end === start + into.length) return dequantise(type, bytes, into);
  const whole = new Float32Array(end - first);
  dequantise(type, bytes, whole);
  into.set(whole.subarray(start - first, start - first + into.length));
}
