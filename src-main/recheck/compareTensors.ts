/** The tensors of an export against those of its source: bytes where nothing changes, values where an adapter acts. */
import { isTurned, type ReadBase } from './adapterChanges.ts';
import type { Change, Weight } from './formulas.ts';
import { bytesOf, countOf, matrixOf, valuesOf, weightOf, type PlainTensor } from './plainTensors.ts';
import { rounded } from './rounding.ts';

interface TensorCounts {
  tensors: number;
  unchanged: number;
  cast: number;
  changed: number;
  valuesChecked: number;
}

const FLOATS = ['F32', 'F16', 'BF16'];
/** Rows and columns of a tensor that are computed again, evenly spread; smaller ones are done whole. */
const ROWS = 48;
const COLUMNS = 192;
const CHUNK = 8 << 20;
/** Sums of doubles in another order. */
const SUMS = 2 ** -36;

/** dtype: that all weights were asked to have, as F16; undefined: each keeps its own. Problems go to `report`. */
export function compareTensors(
  source: ReadBase,
  exported: Map<string, PlainTensor>,
  changes: Map<string, Change[]>,
  dtype: string | undefined,
  report: (problem: string) => void,
): TensorCounts {
  const counts = { tensors: exported.size, unchanged: 0, cast: 0, changed: 0, valuesChecked: 0 };
  for (const name of exported.keys())
    if (!source.tensors.has(name)) report(`${name} is in the export and not in the source`);
  for (const [name, from] of source.tensors) {
    const to = exported.get(name);
    if (!to) report(`${name} of the source is not in the export`);
    else if (from.shape.join() !== to.shape.join())
      report(`${name} has shape [${to.shape.join(', ')}] instead of [${from.shape.join(', ')}]`);
    else compareOne({ source, from, to, changes: changes.get(name) ?? [], dtype }, counts, report);
  }
  return counts;
}

interface Pair {
  source: ReadBase;
  from: PlainTensor;
  to: PlainTensor;
  changes: Change[];
  dtype: string | undefined;
}

function compareOne(pair: Pair, counts: TensorCounts, report: (problem: string) => void): void {
  const { from, to, changes, dtype } = pair;
  const isCast = to.dtype !== from.dtype;
  // A GGUF file keeps its values in other bytes, so that they are compared as values.
  const asValues = isCast || from.read !== undefined;
  if ((isCast && to.dtype !== dtype) || (changes.length > 0 && dtype !== undefined && to.dtype !== dtype))
    return report(`${to.name} is ${to.dtype} instead of ${dtype ?? from.dtype}`);
  if (!asValues && changes.length === 0) {
    counts.unchanged++;
    if (!sameBytes(from, to)) report(`${to.name} differs from the source, although no adapter changes it`);
    return;
  }
  if (!FLOATS.includes(to.dtype)) return report(`${to.name} is ${to.dtype}, which no adapter can change`);
  counts[changes.length > 0 ? 'changed' : 'cast']++;
  const { checked, wrong } = changes.length > 0 || asValues ? checkValues(pair) : { checked: 0, wrong: undefined };
  counts.valuesChecked += checked;
  if (wrong !== undefined) report(wrong);
}

function sameBytes(a: PlainTensor, b: PlainTensor): boolean {
  if (a.byteLength !== b.byteLength) return false;
  for (let at = 0; at < a.byteLength; at += CHUNK) {
    const length = Math.min(CHUNK, a.byteLength - at);
    if (!bytesOf(a, at, length).equals(bytesOf(b, at, length))) return false;
  }
  return true;
}

/** The first value that is not what the source and the adapters give, rounded once. */
function checkValues({ source, from, to, changes }: Pair): { checked: number; wrong: string | undefined } {
  const { rows, width } = matrixOf(from);
  const turned = isTurned(source) && from.shape.length === 2;
  const isVector = from.shape.length === 1;
  const weight = weightOf(from, turned);
  const whole = countOf(from) <= ROWS * COLUMNS;
  const columns = spread(width, whole ? width : COLUMNS);
  let checked = 0;
  for (const row of spread(rows, whole ? rows : ROWS)) {
    const got = valuesOf(to, row * width, width);
    for (const column of columns) {
      const [output, input] = isVector ? [column, 0] : turned ? [column, row] : [row, column];
      const { value, slack } = expected(output, input, weight, changes);
      checked++;
      const [low, high] = [rounded(value - slack, to.dtype), rounded(value + slack, to.dtype)];
      if (got[column]! >= low && got[column]! <= high) continue;
      const what = changes.length > 0 ? 'source and adapter give' : 'the source gives';
      return { checked, wrong: `${to.name} holds ${got[column]} at [${row}, ${column}], where ${what} ${value}` };
    }
  }
  return { checked, wrong: undefined };
}

/** In float64, and by how much another order of the sums may change it. */
export function expected(
  output: number,
  input: number,
  weight: Weight,
  changes: Change[],
): { value: number; slack: number } {
  const own = weight(output, input);
  let value = own;
  let slack = 0;
  for (const { firstOutput, outputs, added, replaced, slack: share } of changes) {
    const o = output - firstOutput;
    if (o < 0 || o >= outputs) continue;
    const before = value;
    if (replaced) value = replaced(o, input, (p, i) => weight(p + firstOutput, i));
    else value += added!(o, input);
    slack += share * Math.abs(value - before);
  }
  return { value, slack: changes.length > 0 ? slack + SUMS * (Math.abs(own) + Math.abs(value)) : 0 };
}

/** `count` of the numbers below `n`, the first and the last among them. */
export function spread(n: number, count: number): number[] {
  if (count >= n) return Array.from({ length: n }, (_, i) => i);
  return Array.from({ length: count }, (_, i) => Math.round((i * (n - 1)) / (count - 1)));
}
