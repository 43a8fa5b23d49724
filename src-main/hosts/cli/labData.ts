/** The datasets on which `lab compress` and `lab compose` measure losses. */
import path from 'node:path';
import { validationRows } from '../../app/lab/validationRows.ts';
import type { Services } from '../../app/services.ts';
import type { LossData } from '../../../src-shared/lab.ts';
import { CONTROL_SETTINGS, FILE_SETTINGS, LOSS_SETTINGS } from '../../../src-shared/settings/data.ts';
import type { Args } from './args.ts';
import { loss, table } from './format.ts';
import type { FoundAdapter } from './resolve.ts';
import { optionsOf, readSettings } from './settingOptions.ts';

const SETTINGS = { ...FILE_SETTINGS, ...LOSS_SETTINGS, ...CONTROL_SETTINGS };

export const LOSS_OPTIONS = {
  data: {
    type: 'string',
    multiple: true,
    value: 'FILE',
    help: "dataset to measure losses on; repeatable (the validation rows of the adapters' runs)",
  },
  'no-loss': { type: 'boolean', help: 'measure no loss' },
  ...optionsOf(SETTINGS),
} as const;

/** As --data names them, else the validation rows of the adapters' runs that the catalogue knows, each once. */
export function lossData({ catalog }: Services, args: Args, adapters: FoundAdapter[]): LossData[] {
  if (args.flag('no-loss')) return [];
  const files = args.texts('data');
  if (files.length > 0)
    return files.map((file) => ({ data: { file: path.resolve(file), ...readSettings(args, SETTINGS) } }));
  return validationRows(
    catalog,
    adapters.map(({ id }) => id),
  );
}

/** A row per dataset, with a loss per name. */
export function lossTable(names: string[], rows: { file: string; losses: number[] }[]): string[] {
  if (rows.length === 0) return [];
  return table(
    ['loss on', ...names],
    rows.map(({ file, losses }) => [path.basename(file), ...losses.map(loss)]),
  );
}
