/**
 * Splits examples into training and validation rows, the same way for the same seed. Rows with the same prompt stay
 * on one side: with several reference answers per prompt, validation would otherwise measure what was trained on.
 */
import { Random } from '../../src-shared/random.ts';
import { chosenRows, groupsOf, indicesWhere, type RowList } from './tokens/rowList.ts';
import { atOnce, STEP_ITEMS, type Steps } from './timeSlice.ts';

/**
 * `valShare` of the rows (at least one row when it is above 0 and there are two or more) go to `val`; both sides keep
 * the order of the file. Whole prompt groups move. Only where even the smallest group would take more than twice the
 * wanted rows (few prompts with many answers each) rows are split one by one, and prompts are then on both sides.
 */
export function splitExamples<T extends { group: number }>(
  examples: readonly T[],
  valShare: number,
  seed: number,
): { train: T[]; val: T[] } {
  const inVal = atOnce(
    validationRows(
      Int32Array.from(examples, ({ group }) => group),
      valShare,
      seed,
    ),
  );
  return {
    train: examples.filter((_, row) => inVal[row] === 0),
    val: examples.filter((_, row) => inVal[row] === 1),
  };
}

/** The same of rows wherever they lie. */
export function splitRowList(rows: RowList, valShare: number, seed: number): { train: RowList; val: RowList } {
  const inVal = atOnce(validationRows(groupsOf(rows), valShare, seed));
  const side = (which: number): RowList =>
    chosenRows(
      rows,
      indicesWhere(rows.length, (row) => inVal[row] === which),
    );
  return { train: side(0), val: side(1) };
}

/**
 * What splitExamples decides, from the group of each row (numbers from 0, no more than there are rows): 1 for each row
 * of `val`.
 */
export function* validationRows(groups: Int32Array, valShare: number, seed: number): Steps<Uint8Array> {
  const inVal = new Uint8Array(groups.length);
  if (valShare <= 0 || groups.length < 2) return inVal;
  const wanted = Math.min(groups.length - 1, Math.max(1, Math.round(valShare * groups.length)));
  const random = Random.stream(seed, 'split');
  const { order, sizes } = yield* countGroups(groups);
  yield* random.shuffleSteps(order);
  const chosen = yield* chooseGroups(order, sizes, wanted);
  if (chosen) {
    for (let row = 0; row < groups.length; row++) {
      inVal[row] = chosen[groups[row]!]!;
      if (row % STEP_ITEMS === 0) yield;
    }
    return inVal;
  }
  const rows = new Int32Array(groups.length).map((_, row) => row);
  yield* random.shuffleSteps(rows);
  for (const row of rows.subarray(0, wanted)) inVal[row] = 1;
  return inVal;
}

/** The groups in order of appearance, and the rows of each. */
function* countGroups(groups: Int32Array): Steps<{ order: Int32Array; sizes: Int32Array }> {
  const sizes = new Int32Array(groups.reduce((most, group) => Math.max(most, group), 0) + 1);
  const order = new Int32Array(sizes.length);
  let count = 0;
  for (let row = 0; row < groups.length; row++) {
    const group = groups[row]!;
    if (sizes[group]!++ === 0) order[count++] = group;
    if (row % STEP_ITEMS === 0) yield;
  }
  return { order: order.subarray(0, count), sizes };
}

/** 1 for each of the first groups that fit into `wanted`, else for the smallest; undefined when that is too big. */
function* chooseGroups(order: Int32Array, sizes: Int32Array, wanted: number): Steps<Uint8Array | undefined> {
  const chosen = new Uint8Array(sizes.length);
  let rows = 0;
  let smallest = order[0]!;
  for (let place = 0; place < order.length; place++) {
    const group = order[place]!;
    const size = sizes[group]!;
    if (size < sizes[smallest]!) smallest = group;
    if (rows + size <= wanted) {
      chosen[group] = 1;
      rows += size;
    }
    if (place % STEP_ITEMS === 0) yield;
  }
  if (rows > 0) return chosen;
  if (order.length === 1 || sizes[smallest]! > 2 * wanted) return undefined;
  chosen[smallest] = 1;
  return chosen;
}
