/**
 * Every fine-tuning method, in the order of lists and of the command line. Whoever needs to know something of a method
 * asks its descriptor here; only the method's own folder knows its name.
 */
import { z } from 'zod';
import { bitfit } from './bitfit.ts';
import { bottleneck } from './bottleneck.ts';
import { full, type FullSettings } from './full.ts';
import { ia3 } from './ia3.ts';
import { loha } from './loha.ts';
import { lokr } from './lokr.ts';
import { lora } from './lora.ts';
import type { Described, MethodSettingTable, MethodText } from './method.ts';
import { miss } from './miss.ts';
import { prefix } from './prefix.ts';

const DESCRIPTORS = [lora, lokr, loha, full, bitfit, bottleneck, prefix, ia3, miss] as const;

type Schemas<T extends readonly { schema: z.ZodType }[]> = { [K in keyof T]: T[K]['schema'] };

/** A method's settings, as a run is started with and the catalogue keeps them. */
export const methodSchema = z.discriminatedUnion(
  'type',
  DESCRIPTORS.map(({ schema }) => schema) as unknown as Schemas<typeof DESCRIPTORS>,
);
export type MethodSettings = z.infer<typeof methodSchema>;
export type MethodType = MethodSettings['type'];
/** What ends as an adapter beside its base, not as a whole model. */
export type AdapterSettings = Exclude<MethodSettings, FullSettings>;

/** A descriptor whose own settings are not known to the caller. */
export type AnyMethod = Described<MethodType, MethodSettingTable, MethodSettings> & {
  schema: z.ZodType<MethodSettings>;
};

/** In the order of lists. */
export const METHODS: readonly AnyMethod[] = DESCRIPTORS;
const BY_TYPE = new Map(METHODS.map((method) => [method.type, method]));

export const METHOD_TYPES: readonly MethodType[] = METHODS.map(({ type }) => type);

export function descriptorOf(type: MethodType): AnyMethod {
  return BY_TYPE.get(type)!;
}

/** A method's settings in a few words, for lists. Old settings, which lack the newer fields, read as what they were. */
export function describeMethod(settings: MethodSettings): MethodText {
  return descriptorOf(settings.type).describe(settings);
}

/** Whether the result stays beside its base. */
export function isAdapter(settings: MethodSettings): settings is AdapterSettings {
  return !descriptorOf(settings.type).wholeModel;
}
