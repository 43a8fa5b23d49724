/** The command line that starts the same run as the app would: only what differs from the defaults is named. */
import type { RegisteredModel } from '../../catalog/models.ts';
import type { Dataset } from '../../catalog/datasets.ts';
import type { StartRunChecked } from './input.ts';
import { option, settingArguments } from '../../../src-shared/settings/arguments.ts';
import { COMPUTE_SETTINGS } from '../../../src-shared/settings/compute.ts';
import { DATA_SETTINGS, FILE_SETTINGS } from '../../../src-shared/settings/data.ts';
import { LOCAL_TARGET } from '../../../src-shared/remoteTargets.ts';
import { TRAIN_SETTINGS } from '../../../src-shared/settings/training.ts';
import { OBJECTIVES } from '../../../src-shared/objectives.ts';
import { descriptorOf } from '../../../src-shared/methods/registry.ts';

type Value = string | number | boolean | undefined;
type Named = [option: string, value: Value];

interface Names {
  model: Pick<RegisteredModel, 'dir'>;
  dataset: Pick<Dataset, 'file' | 'format' | 'part' | 'noHeader' | 'map' | 'allowBadRows'>;
}

/** For a POSIX shell, in the folder of Graft. */
export function cliLine(run: StartRunChecked, names: Names): string {
  return ['npm run graft -- train', ...cliArguments(run, names).map(quote)].join(' ');
}

/** The same as separate arguments. */
export function cliArguments(run: StartRunChecked, { model, dataset }: Names): string[] {
  const { type } = run.method;
  return [
    ...written(['model', model.dir], ['data', dataset.file]),
    ...settingArguments(FILE_SETTINGS, { ...dataset, format: dataset.format ?? undefined }),
    ...written(['allow-bad-rows', dataset.allowBadRows], ['task', run.taskName], ['name', run.name]),
    ...written(['not-before', run.notBefore ?? undefined]),
    ...written(['on', run.target === LOCAL_TARGET ? undefined : run.target]),
    ...(run.startsFrom === undefined
      ? [
          ...written(['method', type === 'lora' ? undefined : type]),
          ...settingArguments(descriptorOf(type).settings, run.method),
        ]
      : written(['from', run.startsFrom])),
    ...(run.objective
      ? [
          ...option('objective', run.objective.type),
          ...settingArguments(OBJECTIVES[run.objective.type].settings, run.objective),
        ]
      : []),
    ...settingArguments(TRAIN_SETTINGS, run.train),
    ...settingArguments(DATA_SETTINGS, run.data),
    ...settingArguments(COMPUTE_SETTINGS, run),
  ];
}

function written(...named: Named[]): string[] {
  return named.flatMap(([flag, value]) =>
    value === undefined || value === false ? [] : option(flag, value === true ? null : String(value)),
  );
}

/** One word of a POSIX shell. */
function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
