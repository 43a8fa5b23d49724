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
}

export type Settings = Record<string, Setting>;

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

export interface Bounds {
  min?: number;
  max?: number;
  integer: boolean;
}

/** Of a number; null for anything else. An exclusive bound counts as the bound. */
export function boundsOf({ schema }: Setting): Bounds | null {
  const json = z.toJSONSchema(schema, { io: 'input' });
  if (json.type !== 'number' && json.type !== 'integer') return null;
  const bounds: Bounds = { integer: json.type === 'integer' };
  const min = json.minimum ?? json.exclusiveMinimum;
  const max = json.maximum ?? json.exclusiveMaximum;
  // A whole number without bounds of its own is bounded by what JavaScript can count.
  if (typeof min === 'number' && min !== Number.MIN_SAFE_INTEGER) bounds.min = min;
  if (typeof max === 'number' && max !== Number.MAX_SAFE_INTEGER) bounds.max = max;
  return bounds;
}

/** Of an enumeration; null for anything else. */
export function choicesOf({ schema }: Setting): string[] | null {
  const { enum: choices } = z.toJSONSchema(schema, { io: 'input' });
  return choices ? choices.map(String) : null;
}

export function isSwitch({ schema }: Setting): boolean {
  return z.toJSONSchema(schema, { io: 'input' }).type === 'boolean';
}
