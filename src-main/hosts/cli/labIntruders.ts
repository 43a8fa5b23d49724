/** `lab intruders`: singular vectors that an update adds to its weight (docs/lab.md). */
import path from 'node:path';
import { assertNewFolder } from '../../app/exports/plan.ts';
import { usageError } from '../../../src-shared/errors.ts';
import { counted } from '../../../src-shared/plural.ts';
import type { Args } from './args.ts';
import type { Command } from './command.ts';
import { bytes, table } from './format.ts';
import { LAB_OPTIONS, labParams, progress, shown, topOf } from './lab.ts';

/** k as in the code of the paper's authors (arXiv:2410.21228); epsilon is for the user to choose. */
const [EPSILON, TOP] = [0.5, 10];

export const labIntruders: Command = {
  name: 'lab intruders',
  positionals: [],
  summary: 'Singular vectors of the tuned weights that resemble none of the base, and the adapter without them.',
  options: {
    ...LAB_OPTIONS,
    threshold: { type: 'string', value: 'X', help: `|cosine| below which a vector is an intruder (${EPSILON})` },
    top: { type: 'string', value: 'N', help: `singular vectors of each matrix that are looked at (${TOP})` },
    out: { type: 'string', value: 'DIR', help: 'new folder for the adapter without them; it must not exist' },
  },
  async run(context) {
    const { args, services, print } = context;
    const out = args.text('out');
    const outDir = out === undefined ? undefined : path.resolve(out);
    if (outDir !== undefined) assertNewFolder(outDir, services.home.dir);
    const found = { epsilon: thresholdOf(args), top: topOf(args) ?? TOP };
    const params = { ...(await labParams(context)), ...found, ...(outDir === undefined ? {} : { outDir }) };
    const result = await services.workers.once('labIntruders', params, progress(context));
    const rows = result.matrices.flatMap(({ name, intruders }) =>
      intruders.map(({ index, singularValue, cosine }) => [
        name,
        String(index),
        shown(singularValue),
        cosine.toFixed(3),
      ]),
    );
    if (rows.length > 0) for (const line of table(['matrix', 'index', 'value', 'largest |cosine|'], rows)) print(line);
    const looked = result.matrices.reduce((sum, one) => sum + one.looked, 0);
    const matrices = counted(result.matrices.length, ['matrix', 'matrices']);
    print(`${counted(rows.length, 'intruder')} among the ${looked} first singular vectors of ${matrices}.`);
    if (result.written) {
      print(`${result.written.outDir}: ${bytes(result.written.bytes)}, without them.`);
      result.written.notes.forEach(print);
    } else if (outDir !== undefined) print(`Nothing is written to ${outDir}, since there is nothing to take away.`);
    return result;
  },
};

function thresholdOf(args: Args): number {
  const epsilon = args.number('threshold') ?? EPSILON;
  if (epsilon > 0 && epsilon <= 1) return epsilon;
  throw usageError('BAD_USAGE', `--threshold is ${epsilon}; give a number above 0, at most 1.`);
}
