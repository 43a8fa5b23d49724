/** A file of a checkpoint where its folder is wanted: what people drop or name. */
import fs from 'node:fs';
import path from 'node:path';
import { isTorchWeights } from '../../basemodel/weightFiles.ts';

/** The folder of a config.json or of weights; anything else as it is. */
export function checkpointOf(named: string): string {
  const name = path.basename(named);
  const isPart = name === 'config.json' || name.endsWith('.safetensors') || isTorchWeights(name);
  return isPart && fs.statSync(named, { throwIfNoEntry: false })?.isFile() ? path.dirname(named) : named;
}
