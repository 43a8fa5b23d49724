/** A base model on the current backend, with nothing of its loading left in memory. */
import v8 from 'node:v8';
import type { BaseModel } from '../basemodel/baseModel.ts';
import { collectGarbage, WORTH_COLLECTING } from '../engine/backends/collectGarbage.ts';
import { Decoder } from '../engine/model/decoder.ts';
import { loadBase, type BaseLoading } from '../loading/loadBase.ts';

/** Throws what loadBase throws. */
export async function loadDecoder(base: BaseModel, options?: BaseLoading): Promise<Decoder> {
  const model = new Decoder(base.spec, await loadBase(base, options));
  if (leftBytes(base, model) > WORTH_COLLECTING) collectGarbage();
  return model;
}

/**
 * At most so much of what weights lay in on their way is still there. Training makes too little garbage for the
 * collector to run soon. V8 does not count memory that is shared, which packing goes through.
 */
function leftBytes(base: BaseModel, { weights }: Decoder): number {
  const packs = [...weights.values()].some(({ packed, pieces }) => packed ?? pieces);
  if (!packs) return v8.getHeapStatistics().external_memory;
  return [...base.tensors.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
}
