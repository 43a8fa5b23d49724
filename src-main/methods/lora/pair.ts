/** The two trained matrices beside a linear layer. */
import type * as tf from '@tensorflow/tfjs-core';
import type { LinearModule } from '../../engine/model/architecture.ts';
import type { Parameter } from '../../engine/model/parameters.ts';

export interface LoraPair {
  module: LinearModule;
  /** (r, in) */
  A: Parameter;
  /** (out, r) */
  B: Parameter;
  scale: number;
  /** With DoRA. */
  magnitude?: Magnitude;
}

/** DoRA's trained length of each output (Liu et al. 2024, eq. 5). */
export interface Magnitude {
  /** m, (out). */
  m: Parameter;
  /** ||W||^2 per output, (out); computed when the layer is first used. */
  squares?: tf.Tensor1D;
}
