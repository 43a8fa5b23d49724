/**
 * The options of settings that belong to one of several types: methods, objectives. An option that several types share
 * is one option; given beside a type that lacks it, it is refused.
 */
import { usageError } from '../../../src-shared/errors.ts';
import type { Setting, Settings } from '../../../src-shared/settings/setting.ts';
import type { Args, Option, Options } from './args.ts';
import { optionOf } from './settingOptions.ts';

interface Typed {
  type: string;
  settings: Settings;
}

interface Owned {
  type: string;
  setting: Setting;
}

/** Every setting that has an option, by that option, with the types that have it. */
function byFlag(all: readonly Typed[]): ReadonlyMap<string, Owned[]> {
  return Map.groupBy(
    all.flatMap(({ type, settings }) =>
      Object.values(settings).flatMap((setting) =>
        setting.flag === undefined ? [] : [{ type, setting, flag: setting.flag }],
      ),
    ),
    ({ flag }) => flag,
  );
}

export function typedOptions(all: readonly Typed[]): Options {
  return Object.fromEntries([...byFlag(all)].map(([flag, owned]) => [flag, sharedOption(owned)]));
}

/** One sentence where all types have the same setting, else one per type. */
function sharedOption(owned: Owned[]): Option {
  const options = owned.map(({ type, setting }) => ({ type, option: optionOf(setting) }));
  const texts = Map.groupBy(options, ({ option }) => option.help);
  const help = [...texts].map(([text, group]) =>
    texts.size === 1 ? text : `${group.map(({ type }) => type).join(', ')}: ${text}`,
  );
  return { ...options[0]!.option, help: help.join('; ') };
}

/** Throws a usage error for an option of other types. `kind`: the option that chooses the type; undefined: none is. */
export function refuseOthers(args: Args, all: readonly Typed[], kind: string, chosen: string | undefined): void {
  const strange = [...byFlag(all)].find(
    ([flag, owned]) => args.raw[flag] !== undefined && !owned.some(({ type }) => type === chosen),
  );
  if (strange === undefined) return;
  const [flag, owned] = strange;
  const types = owned.map(({ type }) => type).join(' or ');
  throw usageError(
    'BAD_USAGE',
    chosen === undefined
      ? `--${flag} means nothing without --${kind}; leave it out or choose --${kind} ${types}.`
      : `--${flag} does not belong to the ${kind} ${chosen}; leave it out or choose --${kind} ${types}.`,
    { option: flag, [kind]: chosen },
  );
}
