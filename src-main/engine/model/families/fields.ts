/** Reading fields of config.json with one clear sentence when a field does not fit. */
import { GraftError } from '../../../errors.ts';
import type { ModelConfig } from '../architecture.ts';

export function badConfig(field: string, got: unknown, want: string): GraftError {
  return new GraftError(
    'BAD_CONFIG',
    `config.json: field ${field} is ${JSON.stringify(got ?? null)}, but ${want}; use a checkpoint with a complete config.json.`,
    { field, got: got ?? null, want },
  );
}

/** A whole number of at least 1. */
export function positiveInteger(config: ModelConfig, field: string, fallback?: number): number {
  const value = config[field] ?? fallback;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1) throw badConfig(field, config[field], 'a whole number of at least 1 is needed');
  return value;
}

/** A whole number of at least 0. */
export function wholeNumber(config: ModelConfig, field: string, fallback: number): number {
  const value = config[field] ?? fallback;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0) throw badConfig(field, config[field], 'a whole number is needed');
  return value;
}

export function finiteNumber(config: ModelConfig, field: string, fallback: number): number {
  const value = config[field] ?? fallback;
  if (typeof value !== 'number' || !Number.isFinite(value)) throw badConfig(field, value, 'a number is needed');
  return value;
}

/** Refuses a config whose `field` holds anything but one of `allowed` (undefined and null pass). */
export function requireOneOf(config: ModelConfig, field: string, allowed: readonly unknown[]): void {
  const value = config[field];
  if (value === undefined || value === null || allowed.includes(value)) return;
  throw badConfig(field, value, `Graft supports only ${allowed.map((v) => JSON.stringify(v)).join(', ')}`);
}

export function optionalTokenId(config: ModelConfig, field: string): number | undefined {
  const value = config[field];
  return typeof value === 'number' ? value : undefined;
}

/** eos_token_id may be a number or a list of numbers. */
export function tokenIds(config: ModelConfig, field: string): number[] {
  const value = config[field];
  if (typeof value === 'number') return [value];
  if (Array.isArray(value)) return value.filter((v): v is number => typeof v === 'number');
  return [];
}
