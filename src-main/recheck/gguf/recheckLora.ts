/** An adapter as a GGUF file, read a second time: its products against what the adapter's own files add to the base. */
import type { TaskDir } from '../../../src-shared/exports.ts';
import type { GgufReading } from '../../../src-shared/ggufCertificate.ts';
import type { ReadBase } from '../adapterChanges.ts';
import { spread } from '../compareTensors.ts';
import type { Change } from '../formulas.ts';
import { textPart } from '../adapterChanges.ts';
import { allChanges, readFolder } from '../recheck.ts';
import { sourceTensor } from './compareGgufTensors.ts';
import type { GgufFile, GgufFileTensor } from './ggufFile.ts';
import { architectureOf, placeOf, type GgufPlace } from './ggufPlaces.ts';
import { readingOf, type Found } from './reading.ts';

/** Rows and columns of a product that are computed again. */
const ROWS = 48;
const COLUMNS = 192;
/** Of the sum of magnitudes: factors in float32. */
const SINGLE = 2 ** -20;

interface RecheckLoraParams {
  /** The LoRA in GGUF. */
  file: string;
  sourceDir: string;
  tasks: TaskDir[];
}

/** Never throws for what is wrong with the file: that is `problems`. */
export function recheckGgufLora({ file, sourceDir, tasks }: RecheckLoraParams): Promise<GgufReading> {
  return readingOf(file, (opened, found, report) => {
    const source = textPart(readFolder(sourceDir));
    for (const [key, want] of Object.entries({
      'general.type': 'adapter',
      'adapter.type': 'lora',
      'general.architecture': architectureOf(source.config),
    })) {
      found.keysChecked++;
      if (opened.metadata[key] !== want)
        report(`${key} is ${JSON.stringify(opened.metadata[key])} instead of "${want}"`);
    }
    comparePairs(opened, source, allChanges(tasks, source), found, report);
  });
}

function comparePairs(
  { tensors, metadata }: GgufFile,
  source: ReadBase,
  changes: Map<string, Change[]>,
  found: Found,
  report: (problem: string) => void,
): void {
  const used = new Set<string>();
  for (const [name, A] of tensors) {
    if (!name.endsWith('.lora_a')) continue;
    const weight = name.replace(/\.lora_a$/, '');
    const B = tensors.get(`${weight}.lora_b`);
    const place = placeOf(weight, source.config);
    const from = place && sourceTensor(place.source, source);
    const own = from && changes.get(from.name);
    if (!B || !own) {
      report(B ? `${weight} is in the file and not in the adapter` : `${weight} has no lora_b`);
      continue;
    }
    used.add(from.name);
    const scale = Number(metadata['adapter.lora.alpha']) / A.dims[1]!;
    const wrong = comparePair({ A, B, scale, changes: own, place }, found);
    if (wrong !== undefined) report(`${weight} ${wrong}`);
  }
  for (const name of changes.keys()) if (!used.has(name)) report(`what the adapter does to ${name} is not in the file`);
}

interface Pair {
  /** dims [in, r] and [r, out]. */
  A: GgufFileTensor;
  B: GgufFileTensor;
  scale: number;
  changes: Change[];
  place: GgufPlace;
}

/** What the first wrong product is. */
function comparePair({ A, B, scale, changes, place }: Pair, found: Found): string | undefined {
  const { outputOf = (row: number) => row, times = 1 } = place;
  const [inputs = 0, r = 0] = A.dims;
  const factors = Array.from({ length: r }, (_, k) => A.row(k).values);
  for (const row of spread(B.dims[1]!, ROWS)) {
    const b = B.row(row).values;
    const output = outputOf(row);
    for (const input of spread(inputs, COLUMNS)) {
      let [got, size] = [0, 0];
      for (const [k, a] of factors.entries()) {
        const term = scale * b[k]! * a[input]!;
        got += term;
        size += Math.abs(term);
      }
      const want = changes.reduce((sum, { added, firstOutput, outputs }) => {
        const o = output - firstOutput;
        return o < 0 || o >= outputs ? sum : sum + times * added!(o, input);
      }, 0);
      found.valuesChecked++;
      if (!(Math.abs(got - want) <= SINGLE * (size + Math.abs(want))))
        return `adds ${got} at [${output}, ${input}], where the adapter adds ${want}`;
    }
  }
  return undefined;
}
