/** Linear layers as the families name them. */
import type { LinearModule } from '../spec.ts';
import type { Target } from '../../../../src-shared/targets.ts';

type MakeModule = (target: Target, path: string, inFeatures: number, outFeatures: number) => LinearModule;

/** Makes the nn.Linear layers of a block, whose tensors are named as their modules. block: with a dot at its end. */
export function linearMaker(layer: number, block: string): MakeModule {
  return (target, path, inFeatures, outFeatures) => ({
    layer,
    target,
    module: block + path,
    peftName: path.slice(path.indexOf('.') + 1),
    weight: `${block}${path}.weight`,
    bias: `${block}${path}.bias`,
    inFeatures,
    outFeatures,
    layout: 'out_in',
  });
}

/** Outputs `start` to before `end` of a fused layer. */
export function partOf(fused: LinearModule, target: Target, start: number, end: number): LinearModule {
  return { ...fused, target, outFeatures: end - start, slice: { start, end } };
}
