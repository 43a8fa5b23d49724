/**
 * What memory a base model takes on each engine: to answer, and to be trained with LoRA as the defaults have it.
 * Estimates, nothing is loaded.
 */
import type { ModelNeeds } from '../../../src-shared/plan.ts';
import { openBaseModel } from '../../basemodel/baseModel.ts';
import { availableTargets } from '../../engine/model/architecture.ts';
import { fullBatch } from './largest.ts';
import { estimateMemory, type Sized } from './estimate.ts';
import { loraSchema } from '../../../src-shared/methodSettings.ts';
import { ENGINES } from '../../../src-shared/backends.ts';
import { trainSettingsSchema } from '../../../src-shared/settings/training.ts';

export const INFERENCE_TOKENS = 1024;
const ROWS = 4;
const ROW_TOKENS = 256;

/** Throws as openBaseModel. */
export async function modelNeeds(modelDir: string): Promise<ModelNeeds[]> {
  const base = openBaseModel(modelDir);
  try {
    const { layers, kvHeads, headDim, maxPositions } = base.spec;
    const cacheBytes = 2 * 4 * layers * kvHeads * headDim * Math.min(INFERENCE_TOKENS, maxPositions);
    const targets = availableTargets(base.spec);
    const method = loraSchema.parse({
      type: 'lora',
      targets: targets.includes('q') ? ['q', 'v'] : targets.slice(0, 1),
    });
    const needs: ModelNeeds[] = [];
    for (const engine of ENGINES) {
      const run: Sized = {
        base,
        runId: '',
        task: '',
        runDir: '',
        outDir: '',
        engine,
        method,
        train: trainSettingsSchema.parse({ batch: ROWS }),
      };
      const { totalBytes, processBytes, weightBytes } = await estimateMemory(
        run,
        fullBatch(ROWS, Math.min(ROW_TOKENS, maxPositions)),
      );
      needs.push({ engine, inferenceBytes: processBytes + weightBytes + cacheBytes, trainingBytes: totalBytes });
    }
    return needs;
  } finally {
    base.close();
  }
}
