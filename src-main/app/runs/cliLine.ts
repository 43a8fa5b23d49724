/** The command line that starts the same run as the app would: only what differs from the defaults is named. */
import type { RegisteredModel } from '../../catalog/models.ts';
import type { Dataset } from '../../catalog/datasets.ts';
import type { StartRunChecked } from './input.ts';
import type { MethodSettings } from '../../../src-shared/methodSettings.ts';
import { option, settingArguments } from '../../../src-shared/settings/arguments.ts';
import { COMPUTE_SETTINGS } from '../../../src-shared/settings/compute.ts';
import { DATA_SETTINGS, FILE_SETTINGS } from '../../../src-shared/settings/data.ts';
import { TRAIN_SETTINGS } from '../../../src-shared/settings/training.ts';

type Value = string | number | boolean | undefined;
type Named = [option: string, value: Value];

interface Names {
  model: Pick<RegisteredModel, 'dir'>;
  dataset: Pick<Dataset, 'file' | 'format' | 'map' | 'allowBadRows'>;
}

/** For a POSIX shell, in the folder of Graft. */
export function cliLine(run: StartRunChecked, names: Names): string {
  return ['npm run graft -- train', ...cliArguments(run, names).map(quote)].join(' ');
}

/** The same as separate arguments. */
export function cliArguments(run: StartRunChecked, { model, dataset }: Names): string[] {
  return [
    ...written(['model', model.dir], ['data', dataset.file]),
    ...settingArguments(FILE_SETTINGS, { ...dataset, format: dataset.format ?? undefined }),
    ...written(['allow-bad-rows', dataset.allowBadRows], ['task', run.taskName], ['name', run.name]),
    ...written(...methodOptions(run.method)),
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

function methodOptions(method: MethodSettings): Named[] {
  switch (method.type) {
    case 'lora':
      return [
        ...lowRank(method),
        ['rank-pattern', patternText(method.rankPattern)],
        ['alpha-pattern', patternText(method.alphaPattern)],
        ['rslora', method.rslora],
        ['dora', method.dora],
        ['bias', method.bias],
        ['lora-plus-ratio', method.loraPlusRatio],
        ['init', unless(method.init, 'kaiming')],
        ['dropout', unless(method.dropout, 0)],
      ];
    case 'lokr':
      return [['method', 'lokr'], ...lowRank(method), ['factor', method.factor]];
    case 'loha':
      return [['method', 'loha'], ...lowRank(method)];
    case 'full':
      return [
        ['method', 'full'],
        ['layers', method.layers?.join(',')],
      ];
    case 'bitfit':
      return [['method', 'bitfit']];
    case 'adapter':
      return [
        ['method', 'adapter'],
        ['kind', method.kind],
        ['bottleneck', method.bottleneck],
        ['skip-layers', unless(method.skipLayers, 0)],
      ];
    case 'prefix':
      return [
        ['method', 'prefix'],
        ['kind', method.kind],
        ['prefix-length', method.prefixLength],
        ['infix-length', unless(method.infixLength, 0)],
      ];
    default:
      return method satisfies never;
  }
}

function lowRank({ rank, alpha, targets, layers, exclude }: Extract<MethodSettings, { rank: number }>): Named[] {
  return [
    ['rank', rank],
    ['alpha', alpha],
    ['targets', targets.join(',')],
    ['layers', layers?.join(',')],
    ['exclude', exclude?.join(',')],
  ];
}

function patternText(pattern: Record<string, number> | undefined): string | undefined {
  const entries = Object.entries(pattern ?? {});
  return entries.length > 0 ? entries.map(([name, value]) => `${name}=${value}`).join(',') : undefined;
}

function unless<T extends Value>(value: T, usual: T): T | undefined {
  return value === usual ? undefined : value;
}

/** One word of a POSIX shell. */
function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
