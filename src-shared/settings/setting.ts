/**
 * A setting, written once: the run spec's schema, the form's field, the option of the command line and the row of the
 * docs' table are all made from it.
 */
import { z } from 'zod';

export interface Setting<S extends z.ZodType = z.ZodType> {
  /** Type, bounds and default. */
  schema: S;
  /** The field's standard term, as a form shows it: `Learning rate`. */
  label: string;
  /** One sentence on what it does and what is usual; the default is not part of it. */
  help: string;
  /** Option of the command line, without its dashes; absent: not set there. */
  flag?: string;
  /** What the option's value is called in its help: `N`, `LIST`; absent on switches. */
  value?: string;
  /** Of an enumeration, how a form names each choice. */
  choices?: Record<string, string>;
  /** Of a number: values beyond these are allowed and advised against, with what usually comes of them. */
  usual?: { from: number; to: number; below: string; above: string };
  /** What holds where an optional setting is left out: `as square as possible`. */
  placeholder?: string;
  /** People read and write it in this unit, `size` of which make one: MiB instead of bytes. */
  unit?: { name: string; size: number };
  /** The command line takes one value each time the option is given, not all of them with commas between. */
  repeatable?: boolean;
  /** What a value looks like, for the error where one does not: `lines counted from 1, such as 7,12-15`. */
  form?: string;
}

export type Settings = Readonly<Record<string, Setting>>;

type Shape<T extends Settings> = { [K in keyof T]: T[K]['schema'] };

/** Keeps each setting's own type. */
export function defineSettings<const T extends Settings>(settings: T): T {
  return settings;
}

export function schemaOf<T extends Settings>(settings: T): z.ZodObject<Shape<T>> {
  const shape = Object.fromEntries(Object.entries(settings).map(([name, { schema }]) => [name, schema]));
  return z.object(shape as Shape<T>);
}

/** Undefined where the setting is optional. */
export function defaultOf<S extends z.ZodType>({ schema }: Setting<S>): z.output<S> | undefined {
  return schema.safeParse(undefined).data;
}

const JSON_SCHEMAS = new WeakMap<z.ZodType, z.core.JSONSchema.BaseSchema>();

/** The schema as data, made once. */
function jsonOf(schema: z.ZodType): z.core.JSONSchema.BaseSchema {
  const known = JSON_SCHEMAS.get(schema) ?? z.toJSONSchema(schema, { io: 'input' });
  JSON_SCHEMAS.set(schema, known);
  return known;
}

export interface Bounds {
  min?: number;
  max?: number;
  /** The bound itself is no value that the setting takes. */
  aboveMin?: boolean;
  belowMax?: boolean;
  integer: boolean;
}

/** Of a number; null for anything else. */
export function boundsOf({ schema }: Setting): Bounds | null {
  const json = jsonOf(schema);
  if (json.type !== 'number' && json.type !== 'integer') return null;
  const { minimum, exclusiveMinimum, maximum, exclusiveMaximum } = json;
  const bounds: Bounds = { integer: json.type === 'integer' };
  // A whole number without bounds of its own is bounded by what JavaScript can count.
  if (typeof minimum === 'number' && minimum !== Number.MIN_SAFE_INTEGER) bounds.min = minimum;
  if (typeof maximum === 'number' && maximum !== Number.MAX_SAFE_INTEGER) bounds.max = maximum;
  if (typeof exclusiveMinimum === 'number') Object.assign(bounds, { min: exclusiveMinimum, aboveMin: true });
  if (typeof exclusiveMaximum === 'number') Object.assign(bounds, { max: exclusiveMaximum, belowMax: true });
  return bounds;
}

/** The advice against a number outside the usual; undefined where there is none. */
export function adviceOn({ label, usual }: Setting, value: unknown): string | undefined {
  if (!usual || typeof value !== 'number' || (value >= usual.from && value <= usual.to)) return undefined;
  const { from, to, above, below } = usual;
  return value > to
    ? `${label} ${value} is above the usual ${from} to ${to}: ${above}.`
    : `${label} ${value} is below the usual ${from} to ${to}: ${below}.`;
}

/**
 * Why a setting does not take a value: a sentence with its bounds; undefined where it does. Nothing entered is fine.
 * `within`: bounds that follow from what else is chosen.
 */
export function problemWith(
  setting: Setting,
  value: unknown,
  within: { min?: number; max?: number | undefined } = {},
): string | undefined {
  const own = boundsOf(setting);
  if (!own || typeof value !== 'number') return undefined;
  const { min = -Infinity, max = Infinity } = within;
  if (value >= min && value <= max && setting.schema.safeParse(value).success) return undefined;
  const bounds = { ...own, ...(own.min === undefined && min > -Infinity ? { min } : {}) };
  const range = rangeWords(bounds, max);
  return own.integer
    ? `${setting.label} must be a whole number${range}.`
    : `${setting.label} must be a number${range}.`;
}

function rangeWords({ min, max, aboveMin, belowMax }: Bounds, narrower: number): string {
  const most = Math.min(max ?? Infinity, narrower);
  const isBelow = belowMax === true && most === max;
  if (min === undefined) {
    if (most === Infinity) return '';
    return isBelow ? ` to below ${most}` : ` to ${most}`;
  }
  if (aboveMin) {
    if (most === Infinity) return ` above ${min}`;
    return isBelow ? ` above ${min} and below ${most}` : ` above ${min} and up to ${most}`;
  }
  if (most === Infinity) return ` from ${min} on`;
  return isBelow ? ` from ${min} to below ${most}` : ` from ${min} to ${most}`;
}

/** Of an enumeration, or of a list out of one; null for anything else. */
export function choicesOf({ schema }: Setting): string[] | null {
  const json = jsonOf(schema);
  const one = json.type === 'array' && typeof json.items === 'object' && !Array.isArray(json.items) ? json.items : json;
  return one.enum ? one.enum.map(String) : null;
}

export function isSwitch(setting: Setting): boolean {
  return kindOf(setting) === 'switch';
}

/** What a value is: decides the control of a form and how the command line writes it. */
export type SettingKind =
  'switch' | 'number' | 'choice' | 'text' | 'choices' | 'texts' | 'integers' | 'numbersByName' | 'textsByName';

export function kindOf({ schema }: Setting): SettingKind {
  const json = jsonOf(schema);
  switch (json.type) {
    case 'boolean':
      return 'switch';
    case 'number':
    case 'integer':
      return 'number';
    case 'array':
      return kindOfList(json.items);
    case 'object':
      return isNumber(json.additionalProperties) ? 'numbersByName' : 'textsByName';
    default:
      return json.enum ? 'choice' : 'text';
  }
}

function kindOfList(items: unknown): 'choices' | 'texts' | 'integers' {
  if (isNumber(items)) return 'integers';
  return typeof items === 'object' && items !== null && 'enum' in items ? 'choices' : 'texts';
}

function isNumber(json: unknown): boolean {
  return (
    typeof json === 'object' && json !== null && 'type' in json && (json.type === 'number' || json.type === 'integer')
  );
}
