import { expect, test } from 'vitest';
import { linearModules, architectureFromConfig } from '../src-main/engine/model/architecture.ts';
import { shapeOf, trainableParameters } from './parameters.ts';

const CONFIGS = {
  llama: { model_type: 'llama', num_hidden_layers: 3, hidden_size: 64, num_attention_heads: 8, num_key_value_heads: 4, intermediate_size: 172, vocab_size: 512, max_position_embeddings: 512, rms_norm_eps: 1e-5 },
  gpt2: { model_type: 'gpt2', n_layer: 2, n_embd: 48, n_head: 4, vocab_size: 300, n_positions: 64, layer_norm_epsilon: 1e-5 },
};

test.each(Object.entries(CONFIGS))('%s: the closed formula equals the sum over the modules that the engine adapts', (_name, config) => {
  const spec = architectureFromConfig(config);
  for (const target of new Set(linearModules(spec).map((module) => module.target))) {
    const want = linearModules(spec)
      .filter((module) => module.target === target)
      .reduce((sum, module) => sum + 8 * (module.inFeatures + module.outFeatures), 0);
    expect(trainableParameters(8, [target], spec), target).toBe(want);
  }
});

test('details without every width give no shape instead of a wrong number', () => {
  expect(shapeOf({ family: 'llama', layers: 2, hidden: 64 })).toBeUndefined();
});
