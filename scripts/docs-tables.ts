/** `npm run docs:tables`: writes the tables of docs/settings.md anew from the settings themselves. */
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { METHODS } from '../src-shared/methods/registry.ts';
import { OBJECTIVE_TYPES, OBJECTIVES } from '../src-shared/objectives.ts';
import { COMPUTE_SETTINGS } from '../src-shared/settings/compute.ts';
import { DATA_SETTINGS, FILE_SETTINGS } from '../src-shared/settings/data.ts';
import { boundsOf, choicesOf, defaultOf, kindOf, type Setting, type Settings } from '../src-shared/settings/setting.ts';
import { TRAIN_SETTINGS } from '../src-shared/settings/training.ts';

export const SETTINGS_DOC = path.resolve(import.meta.dirname, '../docs/settings.md');

/** By the name in the markers around each table: `<!-- table: training -->` … `<!-- end -->`. */
const TABLES: Record<string, Settings> = {
  training: TRAIN_SETTINGS,
  rows: DATA_SETTINGS,
  files: FILE_SETTINGS,
  compute: COMPUTE_SETTINGS,
  ...Object.fromEntries(METHODS.map(({ type, settings }) => [`method_${type}`, settings])),
  ...Object.fromEntries(OBJECTIVE_TYPES.map((type) => [`objective_${type}`, OBJECTIVES[type].settings])),
};

/** The text with each table as the settings are now. Throws where a marker names no table. */
export function withTables(text: string): string {
  return text.replace(
    /(<!-- table: (\w+) -->\n).*?(<!-- end -->)/gs,
    (_whole, start: string, name: string, end: string) => {
      const settings = TABLES[name];
      if (!settings) throw new Error(`docs/settings.md asks for a table "${name}", which is none of those known.`);
      return `${start}\n${tableOf(settings)}\n\n${end}`;
    },
  );
}

function tableOf(settings: Settings): string {
  const rows = Object.entries(settings).map(([key, setting]) => [
    setting.label,
    setting.flag === undefined ? '' : `\`--${setting.flag}\``,
    `\`${key}\``,
    usualOf(setting),
    rangeOf(setting),
    setting.help,
  ]);
  return [['setting', 'option', 'key', 'default', 'values', 'what it does'], Array<string>(6).fill('---'), ...rows]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n');
}

function usualOf(setting: Setting): string {
  const value: unknown = defaultOf(setting);
  if (value === undefined) return setting.placeholder ?? (kindOf(setting) === 'switch' ? 'off' : 'none');
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  if (typeof value === 'object') return 'none';
  return typeof value === 'number' && value !== 0 && value < 1e-3 ? value.toExponential() : String(value);
}

function rangeOf(setting: Setting): string {
  const choices = choicesOf(setting);
  if (choices) return choices.map((choice) => `\`${choice}\``).join(', ');
  const bounds = boundsOf(setting);
  if (!bounds) return setting.form ?? (kindOf(setting) === 'switch' ? 'on, off' : 'text');
  const kind = setting.unit?.name ?? (bounds.integer ? 'whole number' : 'number');
  const { min, max, aboveMin, belowMax } = bounds;
  if (setting.unit || min === undefined) return kind;
  const from = `${kind} ${aboveMin ? 'above' : 'from'} ${min}`;
  return max === undefined ? from : `${from} ${belowMax ? 'to below' : 'to'} ${max}`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href)
  fs.writeFileSync(SETTINGS_DOC, withTables(fs.readFileSync(SETTINGS_DOC, 'utf8')));
