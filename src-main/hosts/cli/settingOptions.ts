/** Options of the command line made from settings: how they are asked for, and what was asked. */
import type { z } from 'zod';
import {
  boundsOf,
  choicesOf,
  defaultOf,
  kindOf,
  schemaOf,
  type Setting,
  type Settings,
} from '../../../src-shared/settings/setting.ts';
import { bad, type Args, type Option, type Options } from './args.ts';

/** Settings without a flag have no option. */
export function optionsOf(settings: Settings): Options {
  return Object.fromEntries(
    Object.values(settings).flatMap((setting) =>
      setting.flag === undefined ? [] : [[setting.flag, optionOf(setting)]],
    ),
  );
}

export function optionOf(setting: Setting): Option {
  const { value, repeatable } = setting;
  const choices = choicesOf(setting);
  const help =
    phrase(setting.help) +
    (choices && !choices.every((choice) => setting.help.includes(choice)) ? `; one of ${choices.join(', ')}` : '') +
    (repeatable ? '; repeatable' : '') +
    usual(setting);
  if (kindOf(setting) === 'switch') return { type: 'boolean', help };
  return {
    type: 'string',
    ...(value === undefined ? {} : { value }),
    ...(repeatable ? { multiple: true } : {}),
    help,
  };
}

/** A sentence as the help of options writes it: without capital and full stop. */
function phrase(sentence: string): string {
  return sentence.replace(/\.$/, '').replace(/^[A-Z][a-z]*\b/, (word) => word.toLowerCase());
}

/** What holds where the option is not given, in brackets. */
function usual(setting: Setting): string {
  const value: unknown = defaultOf(setting);
  const text =
    setting.placeholder ?? (typeof value === 'number' ? short(value) : typeof value === 'string' ? value : '');
  return text === '' ? '' : ` (${text})`;
}

/** `2e-4` rather than `0.0002`. */
function short(value: number): string {
  return value !== 0 && Math.abs(value) < 1e-3 ? value.toExponential() : String(value);
}

/** Throws a usage error for a value that is no such thing, and BAD_INPUT's ZodError for one out of its bounds. */
export function readSettings<T extends Settings>(args: Args, settings: T): z.output<ReturnType<typeof schemaOf<T>>> {
  return schemaOf(settings).parse(givenSettings(args, settings));
}

/** What was given, unchecked as to its bounds; undefined for each setting that was not. */
export function givenSettings(args: Args, settings: Settings): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(settings).map(([name, setting]) => [
      name,
      setting.flag === undefined ? undefined : given(args, setting, setting.flag),
    ]),
  );
}

function given(args: Args, setting: Setting, flag: string): unknown {
  const { repeatable, unit, form } = setting;
  if (args.raw[flag] === undefined) return undefined;
  switch (kindOf(setting)) {
    case 'switch':
      return args.flag(flag);
    case 'number':
      return numberOf(args, setting, flag) * (unit?.size ?? 1);
    case 'choice':
      return args.choice(flag, choicesOf(setting) ?? []);
    case 'choices':
      return args.list(flag, choicesOf(setting) ?? []);
    case 'integers':
      return args.ranges(flag, form ?? 'whole numbers, such as 1,4-6');
    case 'texts':
      return repeatable
        ? args.texts(flag)
        : args
            .text(flag)
            ?.split(',')
            .map((text) => text.trim());
    case 'textsByName':
      return args.record(flag);
    case 'numbersByName':
      return patternOf(flag, args.text(flag) ?? '', form ?? 'names and numbers, such as q=4,3.v=16');
    default:
      return args.text(flag);
  }
}

function numberOf(args: Args, setting: Setting, flag: string): number {
  return (boundsOf(setting)?.integer ? args.integer(flag) : args.number(flag))!;
}

/** `q=4,3.v=16`. */
function patternOf(flag: string, text: string, form: string): Record<string, number> {
  return Object.fromEntries(
    text.split(',').map((part) => {
      const [key = '', value = '', more] = part.split('=').map((piece) => piece.trim());
      if (key === '' || value === '' || more !== undefined || !Number.isFinite(Number(value)))
        throw bad(flag, text, form);
      return [key, Number(value)];
    }),
  );
}
