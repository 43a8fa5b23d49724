/** Whether a registered model is still what it was, and whether a run's settings fit it. */
import { openBaseModel } from '../../basemodel/baseModel.ts';
import { GraftError } from '../../../src-shared/errors.ts';
import type { MethodSettings } from '../../../src-shared/methods/registry.ts';
import type { RunSpec } from '../../../src-shared/runSpec.ts';
import { checkMethod, checkSmoothing } from '../../methods/checkMethod.ts';
import { withTargets } from '../../methods/targets.ts';

/**
 * The method with its targets named. Throws MODEL_CHANGED when the folder is not what was registered, or why targets or
 * rank do not fit the model.
 */
export function checkModel(
  { dir, name, hash }: { dir: string; name: string; hash: string },
  { method, train }: Pick<RunSpec, 'method' | 'train'>,
): MethodSettings {
  const base = openBaseModel(dir);
  try {
    if (base.hash !== hash)
      throw new GraftError(
        'MODEL_CHANGED',
        `The files in ${dir} have changed since ${name} was added; add the folder again.`,
        { dir },
      );
    checkMethod(base.spec, [...base.tensors.keys()], method);
    checkSmoothing(base.spec, train);
    return withTargets(base.spec, method);
  } finally {
    base.close();
  }
}
