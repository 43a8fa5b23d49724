/** Every setting of a run as a name and a value. */
import type { RunSpec } from './runSpec.ts';

export type SettingValue = string | number | boolean;

/** `method.rank: 8`, `train.lr: 0.005`, … in the order of the spec; what is not set is left out. */
export function flatSettings({
  engine,
  baseDtype,
  embeddingDtype,
  method,
  objective,
  train,
  data,
}: Pick<RunSpec, 'engine' | 'baseDtype' | 'embeddingDtype' | 'method' | 'objective' | 'train' | 'data'>): [
  name: string,
  value: SettingValue,
][] {
  return flat(
    { engine, baseDtype, embeddingDtype, method, objective: objective && typeFirst(objective), train, data },
    '',
  );
}

/** Which objective it is stands before its settings. */
export function typeFirst<T extends { type: string }>({ type, ...settings }: T): object {
  return { type, ...settings };
}

function flat(values: object, prefix: string): [string, SettingValue][] {
  return Object.entries(values).flatMap(([key, value]: [string, unknown]): [string, SettingValue][] => {
    if (value === undefined || value === null) return [];
    const name = prefix ? `${prefix}.${key}` : key;
    if (Array.isArray(value))
      return value.length === 0
        ? []
        : [[name, value.map((item) => (typeof item === 'object' ? JSON.stringify(item) : String(item))).join(', ')]];
    if (typeof value === 'object') return flat(value, name);
    return [[name, typeof value === 'number' || typeof value === 'boolean' ? value : String(value)]];
  });
}
