/** Reads what the catalogue keeps about a base model's folder. */
import fs from 'node:fs';
import path from 'node:path';
import type { RegisteredModel, WeightFileStat } from '../../catalog/models.ts';
import { openBaseModel } from '../../basemodel/baseModel.ts';
import { describeBaseModel } from '../../basemodel/details.ts';

export type ModelFacts = Omit<RegisteredModel, 'id' | 'name' | 'createdAt'>;

/** Throws the GraftErrors of openBaseModel. */
export function readModel(dir: string): ModelFacts {
  const base = openBaseModel(dir);
  try {
    return { ...describeBaseModel(base), files: weightFileStats(base.dir) };
  } finally {
    base.close();
  }
}

/** Size and time of every weights file of a folder. Reads no contents; a folder that cannot be listed has none. */
export function weightFileStats(dir: string): WeightFileStat[] {
  try {
    return fs
      .readdirSync(dir)
      .filter((name) => name.endsWith('.safetensors'))
      .sort()
      .map((name) => {
        const { size, mtimeMs } = fs.statSync(path.join(dir, name));
        return { name, sizeBytes: size, modifiedMs: mtimeMs };
      });
  } catch {
    return [];
  }
}
