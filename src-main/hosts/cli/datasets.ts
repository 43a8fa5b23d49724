/** `datasets add`, `datasets list`, `datasets check`. */
import { counted } from '../../../src-shared/plural.ts';
import { CONTROL_SETTINGS, FILE_SETTINGS, LOSS_SETTINGS } from '../../../src-shared/settings/data.ts';
import { checkFile } from '../../app/datasets/check.ts';
import type { DatasetReport } from '../../app/datasets/check.ts';
import { describeBadRow, spelledText, unusedText } from '../../../src-shared/datasets.ts';
import type { Args } from './args.ts';
import { MODEL_OPTION } from './command.ts';
import type { Command } from './command.ts';
import { bytes, count, table } from './format.ts';
import { modelDirOf } from './resolve.ts';
import { optionsOf, readSettings } from './settingOptions.ts';

export const datasetsAdd: Command = {
  name: 'datasets add',
  positionals: ['FILE'],
  summary: 'Checks a dataset file and registers it; it is read in place.',
  options: {
    ...optionsOf(FILE_SETTINGS),
    name: { type: 'string', value: 'NAME', help: 'name in the catalogue (the name of the file)' },
    'allow-bad-rows': { type: 'boolean', help: 'go on without the rows that cannot be used' },
  },
  async run({ api, args, print }) {
    const dataset = await api.datasets.add({
      ...reading(args),
      name: args.text('name'),
      allowBadRows: args.flag('allow-bad-rows'),
    });
    print(
      `Added ${dataset.name} (${dataset.id}): ${counted(dataset.rows, 'row')}` +
        `${dataset.badRows > 0 ? `, ${counted(dataset.badRows, 'bad row')} left out` : ''}.`,
    );
    return dataset;
  },
};

export const datasetsList: Command = {
  name: 'datasets list',
  positionals: [],
  summary: 'Lists the registered datasets.',
  options: {},
  async run({ api, print }) {
    const datasets = await api.datasets.list();
    const rows = datasets.map((d) => [d.id, d.name, count(d.rows), count(d.badRows), d.file]);
    if (rows.length > 0) table(['ID', 'NAME', 'ROWS', 'BAD', 'FILE'], rows).forEach(print);
    else print('There is no dataset yet; add one with "datasets add FILE".');
    return { datasets };
  },
};

export const datasetsCheck: Command = {
  name: 'datasets check',
  positionals: ['FILE'],
  summary: 'Reads a dataset file and reports every bad row; with --model also token lengths.',
  options: {
    ...optionsOf(FILE_SETTINGS),
    model: MODEL_OPTION,
    ...optionsOf(LOSS_SETTINGS),
    ...optionsOf(CONTROL_SETTINGS),
  },
  async run({ args, services, print }) {
    const model = args.text('model');
    const report = await checkFile({
      ...reading(args),
      modelDir: model === undefined ? undefined : modelDirOf(services, model),
      maxLength: args.integer('max-length'),
      lossOn: args.choice('loss-on', LOSS_SETTINGS.lossOn.schema.unwrap().options),
      controlTokens: args.flag('control-tokens'),
    });
    describe(report).forEach(print);
    return report;
  },
};

function describe(report: DatasetReport): string[] {
  const lines = [
    `${report.file}: ${report.format}, ${report.kind}, ${counted(report.rows, 'usable row')}, ` +
      `${count(report.badCount)} bad, ${bytes(report.sizeBytes)}`,
  ];
  for (const note of report.notes) lines.push(`  ${note}`);
  for (const row of report.badRows) lines.push(`  ${describeBadRow(row, report.sharedLines)}`);
  const unlisted = report.badCount - report.badRows.length;
  if (unlisted > 0) lines.push(`  and ${count(unlisted)} more`);
  if (report.unused.length > 0) lines.push(`Not used: ${unusedText(report.unused)}`);
  if (!report.lengths) return lines;
  const { min, median, p95, max, truncated, labelledTokens, unlabelled, unlabelledCount, maxLength } = report.lengths;
  if (report.lengths.limitedByModel)
    lines.push(`Rows are cut at ${maxLength} tokens, the longest that this model can see`);
  lines.push(
    `Tokens per row: ${min} to ${max}, median ${median}, 95 % at most ${p95}; ${counted(truncated, 'row')} cut at ` +
      `${maxLength}; ${counted(labelledTokens, 'token')} carry loss`,
  );
  if (report.lengths.controlTokenRows > 0)
    lines.push(spelledText(report.lengths.controlTokenRows, 'text, or as tokens with --control-tokens'));
  for (const row of unlabelled) lines.push(`  nothing to learn at ${describeBadRow(row, report.sharedLines)}`);
  if (unlabelledCount > unlabelled.length) lines.push(`  and at ${count(unlabelledCount - unlabelled.length)} more`);
  return lines;
}

/** The file and its reading rules. */
function reading(args: Args) {
  return { file: args.positionals[0]!, ...readSettings(args, FILE_SETTINGS) };
}
