/** Settings as the options of the command line that say the same; src-main/hosts/cli/settingOptions.ts reads them. */
import { defaultOf, kindOf, type Setting, type Settings } from './setting.ts';

/** Only what differs from the defaults, in the order of the settings. */
export function settingArguments(settings: Settings, values: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(settings).flatMap(([name, setting]) =>
    setting.flag === undefined || isDefault(setting, values[name])
      ? []
      : textsOf(setting, values[name]).flatMap((text) => option(setting.flag!, text)),
  );
}

/** One option; null: a switch. */
export function option(flag: string, text: string | null): string[] {
  if (text === null) return [`--${flag}`];
  // A value that begins with a dash would be read as an option.
  return text.startsWith('-') ? [`--${flag}=${text}`] : [`--${flag}`, text];
}

function isDefault(setting: Setting, value: unknown): boolean {
  return value === undefined || value === false || JSON.stringify(value) === JSON.stringify(defaultOf(setting));
}

/** The value as the option takes it; several where the option is given several times; null for a switch. */
function textsOf(setting: Setting, value: unknown): (string | null)[] {
  const several = (texts: string[]): string[] =>
    setting.repeatable ? texts : texts.length > 0 ? [texts.join(',')] : [];
  switch (kindOf(setting)) {
    case 'switch':
      return [null];
    case 'number':
      return [setting.unit ? inUnits(Number(value), setting.unit.size) : String(value)];
    case 'choices':
    case 'texts':
      return several(value as string[]);
    case 'integers':
      return several(ranges(value as number[]));
    case 'numbersByName':
    case 'textsByName':
      return several(Object.entries(value as object).map(([name, one]) => `${name}=${one}`));
    default:
      return [String(value)];
  }
}

function inUnits(value: number, size: number): string {
  return String(Math.max(1, Math.round(value / size)));
}

/** `7`, `12-15`. */
function ranges(numbers: readonly number[]): string[] {
  const found: [first: number, last: number][] = [];
  for (const number of [...numbers].sort((a, b) => a - b)) {
    const before = found.at(-1);
    if (before && number <= before[1] + 1) before[1] = number;
    else found.push([number, number]);
  }
  return found.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`));
}
