/**
 * What memory a base model takes on each engine: to answer, and to be trained with LoRA as the defaults have it.
 * Estimates, nothing is loaded.
 */
import { type ModelNeeds, NEEDS } from '../../../src-shared/plan.ts';
import { openBaseModel } from '../../basemodel/baseModel.ts';
import { fullBatch } from './largest.ts';
import { estimateMemory } from './estimate.ts';
import { lora } from '../../../src-shared/methods/lora.ts';
import { BACKENDS } from '../../../src-shared/backends.ts';
import { TRAIN_DEFAULTS } from '../../../src-shared/settings/training.ts';

/** Throws as openBaseModel. */
export async function modelNeeds(modelDir: string): Promise<ModelNeeds[]> {
  const base = openBaseModel(modelDir);
  try {
    const { layers, kvHeads, headDim, maxPositions } = base.spec;
    const cacheBytes = 2 * 4 * layers * kvHeads * headDim * Math.min(NEEDS.inferenceTokens, maxPositions);
    const method = lora.schema.parse({ type: 'lora' });
    const needs: ModelNeeds[] = [];
    for (const engine of BACKENDS) {
      const { totalBytes, processBytes, weightBytes } = await estimateMemory(
        { base, engine, method, train: TRAIN_DEFAULTS },
        fullBatch(NEEDS.rows, Math.min(NEEDS.rowTokens, maxPositions)),
      );
      needs.push({ engine, inferenceBytes: processBytes + weightBytes + cacheBytes, trainingBytes: totalBytes });
    }
    return needs;
  } finally {
    base.close();
  }
}
