/** `--fit`: settings with which a run fits into this machine, and what they cost. */
import { GraftError } from '../../../src-shared/errors.ts';
import { fitChanges, fitted, formText, isSameFit } from '../../../src-shared/fit.ts';
import type { StartRun } from '../../app/runs/input.ts';
import type { Context } from './command.ts';
import { bytes, table } from './format.ts';

/** Throws OUT_OF_MEMORY where no settings do. */
export async function fitRun({ api, print }: Pick<Context, 'api' | 'print'>, run: StartRun): Promise<StartRun> {
  const { asked, chosen, limitBytes, rows } = await api.plan.fit(run);
  if (limitBytes === null) {
    print('The driver does not say how much memory the card has, so nothing was changed; set --memory-limit.');
    return run;
  }
  if (rows.length > 1)
    table(
      ['FORM', 'MEMORY', 'ROWS AT A TIME', 'TIME', 'LOSS', ''],
      rows.map((row) => [
        formText(row),
        bytes(row.totalBytes),
        `${row.batch} x ${row.accumulate}`,
        `x ${row.slower.toFixed(2)}`,
        `+${row.lossError}`,
        chosen && isSameFit(row, chosen) ? 'chosen' : row.fits ? '' : 'does not fit',
      ]),
    ).forEach(print);
  if (!chosen) {
    const least = bytes(rows.at(-1)?.totalBytes ?? asked.totalBytes);
    throw new GraftError(
      'OUT_OF_MEMORY',
      `The run takes ${least} at the least, and ${bytes(limitBytes)} are free; choose a smaller model or rank, ` +
        'or another engine.',
      { limitBytes, askedBytes: asked.totalBytes },
    );
  }
  const changes = fitChanges(asked, chosen);
  print(
    changes.length === 0
      ? `The run fits as it is: ${bytes(chosen.totalBytes)} of ${bytes(limitBytes)}.`
      : `As asked for, the run would take ${bytes(asked.totalBytes)} of ${bytes(limitBytes)}; chosen, for ` +
          `${bytes(chosen.totalBytes)}:`,
  );
  for (const { what, cost } of changes) print(`  ${what} (${cost})`);
  return fitted(run, asked, chosen);
}
