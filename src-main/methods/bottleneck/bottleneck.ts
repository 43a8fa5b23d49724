/**
 * Adapter layers: h + up(f(down(h))) on a sublayer's output before it joins the residual stream, a bottleneck of r with
 * biases (Hu et al. 2021, section 5.1). Houlsby et al. 2019: after attention and MLP, f = GELU. Lin et al. 2020: after
 * the MLP, on a LayerNorm of its own, f = ReLU. Pfeiffer et al. 2021: after the MLP, f = ReLU. The lowest layers may go
 * without (AdapterDrop, Rücklé et al. 2021). `up` starts at zero, so that the model starts out equal to the base.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { ArchitectureSpec } from '../../engine/model/architecture.ts';
import type { Parameter } from '../../engine/model/parameters.ts';
import { gelu } from '../../engine/ops/gelu.ts';
import { layerNorm } from '../../engine/ops/layerNorm.ts';
import { Random } from '../../../src-shared/random.ts';
import type { BottleneckSettings } from '../../../src-shared/methods/bottleneck.ts';
import type { Adapter } from '../adapter.ts';
import { kaimingUniform } from '../kaiming.ts';
import type { Method } from '../method.ts';
import { parametersOf, saveOwn } from '../values.ts';
import { bottleneckName, bottleneckShapes, type BottleneckOptions, type BottleneckPart, type Half } from './files.ts';

/** Epsilon of Lin's LayerNorm, PyTorch's default. */
const NORM_EPS = 1e-5;

export class BottleneckAdapter implements Adapter {
  private readonly kind: BottleneckOptions['kind'];
  private readonly byName: Map<string, Parameter>;

  constructor(kind: BottleneckOptions['kind'], parameters: Parameter[]) {
    this.kind = kind;
    this.byName = new Map(parameters.map((parameter) => [parameter.name, parameter]));
  }

  sublayer(h: tf.Tensor2D, layer: number, half: Half): tf.Tensor2D {
    const value = (part: BottleneckPart): tf.Tensor | undefined =>
      this.byName.get(bottleneckName(layer, half, part))?.value;
    const down = value('down.weight');
    if (!down) return h;
    const norm = value('norm.weight');
    const input = norm ? layerNorm(h, norm, value('norm.bias')!, NORM_EPS) : h;
    // (N, r)
    const narrow: tf.Tensor2D = tf.add(tf.matMul(input, down as tf.Tensor2D, false, true), value('down.bias')!);
    const active: tf.Tensor2D = this.kind === 'houlsby' ? gelu(narrow) : tf.relu(narrow);
    return tf.add(h, tf.add(tf.matMul(active, value('up.weight') as tf.Tensor2D, false, true), value('up.bias')!));
  }

  parameters(): Parameter[] {
    return [...this.byName.values()];
  }

  dispose(): void {
    for (const { value } of this.byName.values()) value.dispose();
  }
}

/**
 * A new adapter: `down` uniform as PyTorch's linear layers, everything else zero (LayerNorm weights one). Throws
 * BAD_BOTTLENECK or BAD_SKIP.
 */
export function createBottleneck(spec: ArchitectureSpec, options: BottleneckOptions, seed: number): BottleneckAdapter {
  const parameters = bottleneckShapes(spec, options).map(({ name, part, shape }) => {
    const count = shape.reduce((a, b) => a * b, 1);
    if (part === 'down.weight')
      return { name, value: tf.tensor(kaimingUniform(count, shape[1]!, Random.stream(seed, name)), shape) };
    return { name, value: part === 'norm.weight' ? tf.ones(shape) : tf.zeros(shape) };
  });
  return new BottleneckAdapter(options.kind, parameters);
}

export const bottleneckMethod: Method<BottleneckSettings, BottleneckAdapter> = {
  create: ({ spec }, settings, { seed }) => ({ adapter: createBottleneck(spec, settings, seed) }),
  adapterFrom: ({ settings, tensors }) => new BottleneckAdapter(settings.kind, parametersOf(tensors)),
  save: (dir, adapter, _settings, _base, graft) => saveOwn(dir, adapter, graft),
};
