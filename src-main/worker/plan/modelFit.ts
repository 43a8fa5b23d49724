/**
 * In which form a model that is not here yet could be trained on this machine: the forms that chooseFit takes, in its
 * order, each with LoRA's defaults and the settings that take the least memory, by the estimate that plans use.
 */
import type { BackendName } from '../../../src-shared/backends.ts';
import { lora } from '../../../src-shared/methods/lora.ts';
import { NEEDS, type ModelFit, type Room } from '../../../src-shared/plan.ts';
import { TRAIN_DEFAULTS } from '../../../src-shared/settings/training.ts';
import { baseOfConfig } from '../../basemodel/baseOfConfig.ts';
import type { ModelConfig } from '../../engine/model/architecture.ts';
import { canBind } from './checkBindings.ts';
import { FORMS } from './chooseFit.ts';
import { estimateMemory } from './estimate.ts';
import { fullBatch } from './largest.ts';
import { roomFor, verdictOf } from './memoryRoom.ts';

interface Question {
  config: ModelConfig;
  engine: BackendName;
  room: Room;
}

/** One row at a time, blocks computed again for the gradient. */
const SMALLEST = { ...TRAIN_DEFAULTS, batch: 1, accumulate: TRAIN_DEFAULTS.batch, gradientCheckpointing: true };

/** The first form with room to spare, else the first that fits, else the smallest. Throws as architectureFromConfig. */
export async function modelFit({ config, engine, room }: Question): Promise<ModelFit> {
  const base = baseOfConfig(config);
  const method = lora.schema.parse({ type: 'lora' });
  const memory = roomFor({ engine, train: SMALLEST }, room);
  const batch = fullBatch(1, Math.min(NEEDS.rowTokens, base.spec.maxPositions));
  const tried: ModelFit[] = [];
  for (const { baseDtype, embeddingDtype } of FORMS) {
    const run = { base, engine, method, baseDtype, embeddingDtype, train: SMALLEST, bindingBytes: room.bindingBytes };
    const { totalBytes } = await estimateMemory(run, batch);
    const verdict = canBind(run, batch, room.bindingBytes)
      ? verdictOf(totalBytes, memory?.freeBytes ?? null)
      : 'does not fit';
    const fit: ModelFit = { baseDtype, embeddingDtype, totalBytes, verdict, gpu: room.gpu, room: memory };
    if (verdict === 'fits' || verdict === 'unknown') return fit;
    tried.push(fit);
  }
  return tried.find(({ verdict }) => verdict === 'tight') ?? tried.at(-1)!;
}
