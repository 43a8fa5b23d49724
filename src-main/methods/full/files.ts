/** Full fine-tuning outside the engine: its result is a whole model, so it has no adapter files. */
import type { FullSettings } from '../../../src-shared/methods/full.ts';
import type { MethodFiles } from '../files.ts';
import { checkLayers } from '../targets.ts';

export const fullFiles: MethodFiles<FullSettings> = {
  check: (spec, _, { layers }) => checkLayers(spec, layers),
};
