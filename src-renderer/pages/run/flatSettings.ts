/** Every setting of a run as a name and a value in words. */
import type { RunView } from '../../lib/api.ts';

/** `method.rank: 8`, `train.lr: 0.005`, … in the order of the spec; what is not set is left out. */
export function flatSettings({
  engine,
  baseDtype,
  embeddingDtype,
  method,
  train,
  data,
}: RunView['spec']): [name: string, value: string][] {
  return flat({ engine, baseDtype, embeddingDtype, method, train, data }, '');
}

function flat(values: object, prefix: string): [string, string][] {
  return Object.entries(values).flatMap(([key, value]: [string, unknown]): [string, string][] => {
    if (value === undefined || value === null) return [];
    const name = prefix ? `${prefix}.${key}` : key;
    if (Array.isArray(value))
      return value.length === 0
        ? []
        : [[name, value.map((item) => (typeof item === 'object' ? JSON.stringify(item) : String(item))).join(', ')]];
    return typeof value === 'object' ? flat(value, name) : [[name, String(value)]];
  });
}
