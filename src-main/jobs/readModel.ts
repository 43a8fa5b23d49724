/** Reads what the catalogue keeps about a checkpoint folder. */
import type { BaseModel } from '../catalog/models.ts';
import { openCheckpoint } from '../checkpoints/checkpoint.ts';
import { describeCheckpoint } from '../checkpoints/modelDetails.ts';

/** Throws the GraftErrors of openCheckpoint. */
export function readModel(dir: string): Omit<BaseModel, 'id' | 'name' | 'createdAt'> {
  const checkpoint = openCheckpoint(dir);
  try {
    return describeCheckpoint(checkpoint);
  } finally {
    checkpoint.close();
  }
}
