/** `runs list` and `runs log`. */
import path from 'node:path';
import { counted } from '../../../src-shared/plural.ts';
import { LOG_FORMATS } from '../../../src-shared/logFormats.ts';
import { usageError } from '../../../src-shared/errors.ts';
import type { RunView } from '../../app/runs/view.ts';
import type { Command } from './command.ts';
import { loss, table } from './format.ts';

export const runsList: Command = {
  name: 'runs list',
  positionals: [],
  summary: 'Lists the training runs, newest first.',
  options: {
    archived: { type: 'boolean', help: 'those that are archived too' },
    tag: { type: 'string', value: 'TAG', help: 'only those with this tag' },
  },
  async run({ api, args, print }) {
    const tag = args.text('tag');
    const runs = (await api.runs.list()).filter(
      (run) => (args.flag('archived') || run.archivedAt === null) && (tag === undefined || run.tags.includes(tag)),
    );
    const rows = runs.map((run) => [
      run.id,
      run.name,
      run.away ? `${run.status} on ${run.away.target}` : run.status,
      run.methodText.name,
      loss(run.result?.finalLoss ?? null),
      loss(run.result?.best?.valLoss ?? run.result?.valLoss ?? null),
      run.tags.join(', '),
    ]);
    if (rows.length > 0) table(['ID', 'NAME', 'STATE', 'METHOD', 'LOSS', 'VAL LOSS', 'TAGS'], rows).forEach(print);
    else print('There is no such run yet; "train" starts one.');
    return { runs };
  },
};

export const runsLog: Command = {
  name: 'runs log',
  positionals: ['RUN'],
  summary: 'Writes the logs of runs for TensorBoard or MLflow, or as CSV or JSON.',
  options: {
    run: { type: 'string', multiple: true, value: 'RUN', help: 'another run, by id or name; repeatable' },
    format: { type: 'string', value: 'LIST', help: `out of ${LOG_FORMATS.join(', ')} (all)` },
    out: { type: 'string', value: 'DIR', help: 'folder that a folder for each format is made in' },
  },
  async run({ api, args, print }) {
    const all = await api.runs.list();
    const ids = [args.positionals[0]!, ...args.texts('run')].map((text) => idOf(all, text));
    const formats = args.list('format', LOG_FORMATS) ?? [...LOG_FORMATS];
    const result = await api.runs.exportLogs({ ids, formats, dir: path.resolve(args.required('out', 'a folder')) });
    print(`Wrote the logs of ${counted(new Set(ids).size, 'run')}:`);
    for (const written of result.written) print(`  ${written}`);
    if (result.command !== null) print(`See them: ${result.command}`);
    return result;
  },
};

/** Of a run named by id or by a name that only one has. Throws RUN_NOT_FOUND. */
function idOf(runs: readonly RunView[], text: string): string {
  const found = runs.filter(({ id, name }) => id === text || name === text);
  if (found.length === 1) return found[0]!.id;
  throw usageError(
    'RUN_NOT_FOUND',
    found.length === 0
      ? `There is no run "${text}"; "runs list" shows those that exist.`
      : `${found.length} runs are called "${text}"; give the id of one: ${found.map(({ id }) => id).join(', ')}.`,
    { run: text },
  );
}
