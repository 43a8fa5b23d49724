/** Trained biases: all of the model by themselves (BitFit, Ben Zaken et al. 2022), or along with a LoRA. */
import * as tf from '@tensorflow/tfjs-core';
import type { LinearModule } from '../../engine/model/architecture.ts';
import type { Decoder } from '../../engine/model/decoder.ts';
import type { Parameter } from '../../engine/model/parameters.ts';
import type { BitfitSettings } from '../../../src-shared/methods/bitfit.ts';
import type { Adapter } from '../adapter.ts';
import type { Method } from '../method.ts';
import { saveOwn } from '../values.ts';
import { biasNames } from './files.ts';

export class BiasAdapter implements Adapter {
  readonly overrides: ReadonlyMap<string, Parameter>;

  constructor(biases: Parameter[]) {
    this.overrides = biasOverrides(biases);
  }

  parameters(): Parameter[] {
    return [...this.overrides.values()];
  }

  dispose(): void {
    for (const { value } of this.overrides.values()) value.dispose();
  }
}

export const bitfitMethod: Method<BitfitSettings, BiasAdapter> = {
  create: (model) => ({ adapter: createBitfit(model) }),
  adapterFrom: ({ biases }) => new BiasAdapter([...biases].map(([name, data]) => ({ name, value: tf.tensor1d(data) }))),
  save: (dir, adapter, _settings, _base, graft) => saveOwn(dir, adapter, graft),
};

export function biasOverrides(biases: Parameter[]): ReadonlyMap<string, Parameter> {
  return new Map(biases.map((bias) => [bias.name, bias]));
}

/** BitFit: copies of every bias of the base, those of LayerNorms included. Throws NO_BIASES. */
export function createBitfit(model: Decoder): BiasAdapter {
  return new BiasAdapter(copies(model, biasNames([...model.weights.keys()], model.spec.family)));
}

/**
 * Copies of the biases that a LoRA trains along: `all` of the model, or those of the adapted layers; none where there
 * are none.
 */
export function loraBiases(model: Decoder, modules: LinearModule[], which: 'all' | 'lora_only'): Parameter[] {
  const adapted = new Set(modules.map(({ bias }) => bias));
  return copies(
    model,
    [...model.weights.keys()].filter((name) => name.endsWith('bias') && (which === 'all' || adapted.has(name))),
  );
}

function copies(model: Decoder, names: string[]): Parameter[] {
  return names.map((name) => ({ name, value: tf.add(model.weights.get(name)!.value, 0) }));
}
