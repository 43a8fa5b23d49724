/**
 * Full fine-tuning: the base's own weights are trained, all of them or those of some blocks (the paper's top-2: the
 * last two).
 */
import type { Decoder } from '../../engine/model/decoder.ts';
import type { Parameter } from '../../engine/model/parameters.ts';
import type { Adapter } from '../attached.ts';
import { fullNames } from '../shapes.ts';

export class FullTuning implements Adapter {
  readonly overrides: ReadonlyMap<string, Parameter>;

  /** weights: of the base; they stay its own. */
  constructor(weights: ReadonlyMap<string, Parameter>) {
    this.overrides = weights;
  }

  parameters(): Parameter[] {
    return [...this.overrides.values()];
  }

  dispose(): void {
    // What is trained belongs to the base.
  }
}

/** Throws UNKNOWN_LAYER. */
export function createFull(model: Decoder, layers: number[] | undefined): FullTuning {
  const names = new Set(fullNames(model.spec, [...model.weights.keys()], layers));
  return new FullTuning(new Map([...model.weights].filter(([name]) => names.has(name))));
}
