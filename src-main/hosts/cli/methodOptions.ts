/** The options that name a fine-tuning method and its settings, for `train` and `params`: made from the descriptors. */
import { usageError } from '../../../src-shared/errors.ts';
import type { MethodSetting } from '../../../src-shared/methods/method.ts';
import {
  descriptorOf,
  METHOD_TYPES,
  METHODS,
  methodSchema,
  type MethodSettings,
  type MethodType,
} from '../../../src-shared/methods/registry.ts';
import type { Args, Option, Options } from './args.ts';
import { givenSettings, optionOf } from './settingOptions.ts';

interface Owned {
  type: MethodType;
  setting: MethodSetting;
}

/** Every setting that has an option, by that option, with the methods that have it. */
const BY_FLAG: ReadonlyMap<string, Owned[]> = Map.groupBy(
  METHODS.flatMap(({ type, settings }) =>
    Object.values(settings).flatMap((setting) =>
      setting.flag === undefined ? [] : [{ type, setting, flag: setting.flag }],
    ),
  ),
  ({ flag }) => flag,
);

export const METHOD_OPTIONS: Options = {
  method: { type: 'string', value: 'NAME', help: `${METHOD_TYPES.join(', ')} (lora)` },
  ...Object.fromEntries([...BY_FLAG].map(([flag, owned]) => [flag, sharedOption(owned)])),
};

/** One sentence where all methods have the same setting, else one per method. */
function sharedOption(owned: Owned[]): Option {
  const options = owned.map(({ type, setting }) => ({ type, option: optionOf(setting) }));
  const texts = Map.groupBy(options, ({ option }) => option.help);
  const help = [...texts].map(([text, group]) =>
    texts.size === 1 ? text : `${group.map(({ type }) => type).join(', ')}: ${text}`,
  );
  return { ...options[0]!.option, help: help.join('; ') };
}

/** Throws a usage error for wrong values, and for options of another method. */
export function readMethod(args: Args): MethodSettings {
  const type = args.choice('method', METHOD_TYPES) ?? 'lora';
  refuseOthers(args, type);
  return methodSchema.parse({ type, ...givenSettings(args, descriptorOf(type).settings) });
}

function refuseOthers(args: Args, type: MethodType): void {
  const strange = [...BY_FLAG].find(
    ([flag, owned]) => args.raw[flag] !== undefined && !owned.some((one) => one.type === type),
  );
  if (strange === undefined) return;
  const [flag, owned] = strange;
  throw usageError(
    'BAD_USAGE',
    `--${flag} does not belong to the method ${type}; leave it out or choose --method ` +
      `${owned.map((one) => one.type).join(' or ')}.`,
    { option: flag, method: type },
  );
}
