/** A base model on the current backend, with nothing of its loading left in memory. */
import v8 from 'node:v8';
import vm from 'node:vm';
import type { BaseModel } from '../basemodel/baseModel.ts';
import { Decoder } from '../engine/model/decoder.ts';
import { loadWeights, type LoadOptions } from '../engine/model/weights.ts';

/** A collection takes some twenty milliseconds. */
const WORTH_COLLECTING = 64 * 2 ** 20;

export function loadDecoder(base: BaseModel, options?: LoadOptions): Decoder {
  const model = new Decoder(base.spec, loadWeights(base.spec, base, options));
  if (heldBytes(base) > WORTH_COLLECTING) collectGarbage();
  return model;
}

const heldBytes = (base: BaseModel): number =>
  [...base.tensors.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);

/**
 * The arrays that held weights on their way can be hundreds of megabytes, and training makes too little garbage for the
 * collector to run soon. Node offers it only behind a flag, but the flag can be set while Node runs.
 */
function collectGarbage(): void {
  v8.setFlagsFromString('--expose-gc');
  const gc = vm.runInNewContext('gc') as () => void;
  gc();
}
