/** The options that name a fine-tuning method and its settings, for `train` and `params`: made from the descriptors. */
import {
  descriptorOf,
  METHOD_TYPES,
  METHODS,
  methodSchema,
  type MethodSettings,
} from '../../../src-shared/methods/registry.ts';
import type { Args, Options } from './args.ts';
import { givenSettings } from './settingOptions.ts';
import { refuseOthers, typedOptions } from './typedOptions.ts';

export const METHOD_OPTIONS: Options = {
  method: { type: 'string', value: 'NAME', help: `${METHOD_TYPES.join(', ')} (lora)` },
  ...typedOptions(METHODS),
};

/** Throws a usage error for wrong values, and for options of another method. */
export function readMethod(args: Args): MethodSettings {
  const type = args.choice('method', METHOD_TYPES) ?? 'lora';
  refuseOthers(args, METHODS, 'method', type);
  return methodSchema.parse({ type, ...givenSettings(args, descriptorOf(type).settings) });
}
