/** Reads what the catalogue keeps about a checkpoint folder. */
import fs from 'node:fs';
import path from 'node:path';
import type { RegisteredModel, WeightFileStat } from '../../catalog/models.ts';
import { openBaseModel } from '../../basemodel/baseModel.ts';
import { describeBaseModel } from '../../basemodel/details.ts';

/** Throws the GraftErrors of openBaseModel. */
export function readModel(dir: string): Omit<RegisteredModel, 'id' | 'name' | 'createdAt'> {
  const checkpoint = openBaseModel(dir);
  try {
    return { ...describeBaseModel(checkpoint), files: weightFileStats(checkpoint.dir) };
  } finally {
    checkpoint.close();
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
