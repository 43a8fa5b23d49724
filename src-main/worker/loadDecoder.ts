/** A checkpoint's model on the current engine, with nothing of its loading left in memory. */
import v8 from 'node:v8';
import vm from 'node:vm';
import type { BaseModel } from '../basemodel/baseModel.ts';
import { Decoder } from '../engine/model/decoder.ts';
import { loadWeights, type LoadOptions } from '../engine/model/weights.ts';

export function loadDecoder(base: BaseModel, options?: LoadOptions): Decoder {
  const model = new Decoder(base.spec, loadWeights(base.spec, base, options));
  collectGarbage();
  return model;
}

/**
 * Arrays that held weights on their way can be hundreds of megabytes, and training makes too little garbage of its own
 * for the collector to come by soon. Node has no call for it without a flag, but the flag can be set while it runs.
 */
function collectGarbage(): void {
  v8.setFlagsFromString('--expose-gc');
  const gc = vm.runInNewContext('gc') as () => void;
  gc();
}
