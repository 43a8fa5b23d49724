/** The values of a GGUF file against source and adapters, in float64: each within the rounding of its block. */
import { isTurned, type ReadBase } from '../adapterChanges.ts';
import { expected, spread } from '../compareTensors.ts';
import type { Change } from '../formulas.ts';
import { countOf, matrixOf, weightOf, type PlainTensor } from '../plainTensors.ts';
import type { GgufFileTensor } from './ggufFile.ts';
import { placeOf, type GgufPlace } from './ggufPlaces.ts';
import type { Report } from './reading.ts';

/** Values of a tensor that are computed again, in whole rows and at least this many rows. */
const VALUES = 1 << 17;
const ROWS = 8;

/** Standard errors that rounding alone does not reach, and a share of the update that no user would notice. */
const ERRORS = 6;
const LEAST_SHARE = 0.02;

interface Sums {
  valuesChecked: number;
  /** Over adapted matrices: of update², of update·error and of (update·error)². */
  square: number;
  error: number;
  errorSquare: number;
}

interface Counts {
  valuesChecked: number;
  updateShare: number | null;
  updateShareError: number | null;
}

export function compareGgufTensors(
  source: ReadBase,
  tensors: Map<string, GgufFileTensor>,
  changes: Map<string, Change[]>,
  report: Report,
): Counts {
  const sums: Sums = { valuesChecked: 0, square: 0, error: 0, errorSquare: 0 };
  const used = new Set<string>();
  for (const tensor of tensors.values()) {
    const place = placeOf(tensor.name, source.config);
    const from = place && sourceTensor(place.source, source);
    if (from) {
      used.add(from.name);
      compareOne({ source, tensor, place, from, changes: changes.get(from.name) ?? [] }, sums, report);
    } else if (!isConstant(tensor)) report(`${tensor.name} is in the file and not in the source`);
  }
  for (const name of source.tensors.keys())
    if (!used.has(name) && !isLeftOut(name)) report(`${name} of the source is not in the file`);
  return { valuesChecked: sums.valuesChecked, ...updateShare(sums, report) };
}

/** Names may lack the prefix of the class; a head that is not there is the embedding. */
export function sourceTensor(name: string, { tensors }: ReadBase): PlainTensor | undefined {
  const key = [...tensors.keys()].find((one) => one === name || one.endsWith(`.${name}`));
  if (key !== undefined) return tensors.get(key);
  if (!/^(lm_head|embed_out)\.weight$/.test(name)) return undefined;
  const embedding = [...tensors.keys()].find((one) => /(^|\.)(embed_tokens|wte|embed_in)\.weight$/.test(one));
  return embedding === undefined ? undefined : tensors.get(embedding);
}

/** Factors of the rotary positions, and zeros where llama.cpp wants a bias that the source lacks. */
function isConstant({ name, row }: GgufFileTensor): boolean {
  return (
    /^rope_(freqs|factors_(long|short))\.weight$/.test(name) ||
    (name.endsWith('.bias') && row(0).values.every((value) => value === 0))
  );
}

/** Masks and frequencies that old checkpoints hold, and a head that is the embedding once more. */
function isLeftOut(name: string): boolean {
  return /\.(attn|attention)\.(bias|masked_bias)$|rotary_emb\.inv_freq$|(^|\.)(lm_head|embed_out)\.weight$/.test(name);
}

interface Pair {
  source: ReadBase;
  tensor: GgufFileTensor;
  place: GgufPlace;
  from: PlainTensor;
  changes: Change[];
}

function compareOne(pair: Pair, sums: Sums, report: Report): void {
  const { source, tensor, place, from, changes } = pair;
  const { plus = 0, times = 1, outputOf = same, table } = place;
  const turned = isTurned(source) && from.shape.length === 2;
  const isVector = from.shape.length === 1;
  const [width = 1, rows = 1] = tensor.dims;
  const { rows: fromRows, width: fromWidth } = matrixOf(from);
  const wanted = turned && !table ? [fromRows, fromWidth] : [fromWidth, fromRows];
  if (countOf({ shape: tensor.dims }) !== countOf(from) || width !== wanted[0])
    return report(`${tensor.name} is [${tensor.dims.join(', ')}], where the source has [${from.shape.join(', ')}]`);
  const weight = weightOf(from, turned);
  const count = Math.max(ROWS, Math.floor(VALUES / width));
  for (const row of spread(rows, Math.min(rows, count))) {
    const got = tensor.row(row);
    for (let column = 0; column < width; column++) {
      const [output, input] = isVector
        ? [outputOf(column), 0]
        : turned && table
          ? [column, row]
          : [outputOf(row), column];
      const own = weight(output, input);
      const { value, slack } = expected(output, input, weight, changes);
      const want = times * value + plus;
      const error = got.values[column]! - want;
      sums.valuesChecked++;
      // The negated comparison also catches NaN.
      if (
        !(Math.abs(error) <= got.slack[column]! + Math.abs(times) * slack + SINGLE * (Math.abs(want) + Math.abs(own)))
      )
        return report(
          `${tensor.name} holds ${got.values[column]} at [${row}, ${column}], where source and adapter give ${want}`,
        );
      if (isVector || changes.length === 0) continue;
      const update = times * (value - own);
      sums.square += update ** 2;
      sums.error += update * error;
      sums.errorSquare += (update * error) ** 2;
    }
  }
}

/** Merging computes in float32, and rounds base and update on the way. */
const SINGLE = 2 ** -22;

const same = (row: number): number => row;

/** The least squares factor of the update in the file's weights, and its standard error. */
function updateShare({ square, error, errorSquare }: Sums, report: Report): Omit<Counts, 'valuesChecked'> {
  if (square === 0) return { updateShare: null, updateShareError: null };
  const [share, deviation] = [1 + error / square, Math.sqrt(errorSquare) / square];
  if (!(Math.abs(share - 1) <= Math.max(LEAST_SHARE, ERRORS * deviation)))
    report(
      `the file holds ${share.toFixed(3)} of the adapter's update instead of 1; F16 has finer steps, and lora-gguf ` +
        'keeps the adapter beside the base',
    );
  return { updateShare: share, updateShareError: deviation };
}
