/**
 * Each family on disk: saving in PEFT's form, loading, merging, the gradients of its parts, and the details that the
 * user sees.
 */
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { openBaseModel } from '../../basemodel/baseModel.ts';
import { describeBaseModel } from '../../basemodel/details.ts';
import { readPeftAdapter } from '../../methods/lora/peft.ts';
import { temporaryFolder } from '../../../test-support/fixtures/folders.ts';
import type { ModelConfig } from '../../engine/model/architecture.ts';
import type { Target } from '../../../src-shared/targets.ts';
import type { Parameter } from '../../engine/model/parameters.ts';
import { evaluateLoss } from '../../engine/train/evaluate.ts';
import { accumulateGradients } from '../../engine/train/step.ts';
import { expectClose, maxAbsDifference } from '../../../test-support/checks/expectClose.ts';
import { loadModel } from '../../../test-support/goldens/goldens.ts';
import { attachTrained, logitsOf } from '../../../test-support/cases/methodCases.ts';
import { TINY_GEMMA3 } from '../../../test-support/fixtures/multimodal.ts';
import { TINY_LLAMA, writeTinyModel } from '../../../test-support/fixtures/tinyModel.ts';
import { loadAdapter } from '../../methods/adapterFolder.ts';
import { useBackend } from '../backend.ts';
import { mergeAndVerify } from './merge.ts';
import { methodSchema } from '../../../src-shared/methods/registry.ts';

beforeAll(async () => void (await useBackend('wasm')));

const QWEN3 = { ...TINY_LLAMA, model_type: 'qwen3', head_dim: 6 };
const GEMMA2 = {
  ...TINY_LLAMA,
  model_type: 'gemma2',
  hidden_act: 'gelu_pytorch_tanh',
  head_dim: 6,
  query_pre_attn_scalar: 5,
  sliding_window: 4,
  attn_logit_softcapping: 4,
  final_logit_softcapping: 8,
};
const OLMO2 = { ...TINY_LLAMA, model_type: 'olmo2', tie_word_embeddings: false };
const SMOLLM3 = { ...TINY_LLAMA, model_type: 'smollm3', no_rope_layers: [1, 0] };
const GRANITE = {
  ...TINY_LLAMA,
  model_type: 'granite',
  embedding_multiplier: 3,
  attention_multiplier: 0.3,
  residual_multiplier: 0.7,
  logits_scaling: 2,
};
const PHI4_MINI = {
  ...TINY_LLAMA,
  model_type: 'phi3',
  partial_rotary_factor: 0.5,
  original_max_position_embeddings: 32,
  rope_scaling: { type: 'longrope', short_factor: [1.5], long_factor: [3] },
};
const PHI3 = { ...TINY_LLAMA, model_type: 'phi3', sliding_window: 4 };
const NEOX = { ...TINY_LLAMA, model_type: 'gpt_neox', hidden_act: 'gelu', rotary_pct: 0.5, tie_word_embeddings: false };

const SEVEN: Target[] = ['q', 'k', 'v', 'o', 'gate', 'up', 'down'];
/** Family, config.json, targets, other settings, PEFT's names of the adapted layers. */
const CASES: [string, ModelConfig, Target[], Record<string, unknown>, string[]][] = [
  ['qwen3', QWEN3, SEVEN, {}, ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj']],
  ['gemma2', GEMMA2, SEVEN, {}, ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj']],
  ['gemma3', TINY_GEMMA3, SEVEN, {}, ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj']],
  ['olmo2', OLMO2, SEVEN, {}, ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj']],
  ['smollm3', SMOLLM3, SEVEN, {}, ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj']],
  ['granite', GRANITE, SEVEN, {}, ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj']],
  ['phi4mini', PHI4_MINI, ['qkv', 'o', 'gate_up', 'down'], {}, ['qkv_proj', 'o_proj', 'gate_up_proj', 'down_proj']],
  ['phi3 by parts', PHI3, SEVEN, { rankPattern: { v: 2 } }, ['qkv_proj', 'o_proj', 'gate_up_proj', 'down_proj']],
  ['phi3 by parts, DoRA', PHI3, ['q', 'v', 'up'], { dora: true }, ['qkv_proj', 'gate_up_proj']],
  ['phi3 by wholes', PHI3, ['qkv', 'gate_up'], {}, ['qkv_proj', 'gate_up_proj']],
  ['gpt_neox', NEOX, ['qkv', 'o', 'fc', 'proj'], {}, ['query_key_value', 'dense', 'dense_h_to_4h', 'dense_4h_to_h']],
];

describe.each(CASES)('%s', (_, config, targets, settings, peftNames) => {
  const write = (): Promise<string> => writeTinyModel(path.join(temporaryFolder(), 'base'), { config, seed: 4 });
  const lora = methodSchema.parse({ type: 'lora', rank: 3, alpha: 12, targets, ...settings });

  it('a saved adapter is loaded, and merged, to the same logits', async () => {
    const modelDir = await write();
    const { base, model, method, outDir } = await attachTrained(modelDir, lora);
    const want = await logitsOf(model);
    await method.save();
    expect(readPeftAdapter(outDir).config.target_modules).toEqual(peftNames);
    expect(maxAbsDifference(await logitsOf(model.with(null)), want)).toBeGreaterThan(0.01);
    const loaded = loadAdapter(outDir, base);
    expectClose(await logitsOf(model.with(loaded)), want, { rtol: 1e-4, atol: 1e-5 });
    loaded.dispose();
    model.dispose();
    base.close();
    const mergedDir = path.join(temporaryFolder(), 'merged');
    const { certificate } = await mergeAndVerify(
      { engine: 'wasm', modelDir, adapterDir: outDir, outDir: mergedDir },
      () => undefined,
    );
    expect(certificate.passed).toBe(true);
    const merged = loadModel(mergedDir);
    expectClose(await logitsOf(merged), want, { rtol: 1e-4, atol: 1e-4 });
    merged.dispose();
  });

  // DoRA leaves the norm out of the gradient, so that it is not the slope.
  it.skipIf('dora' in settings)('the gradient of every trained tensor is the slope of the loss along it', async () => {
    const { base, model, method } = await attachTrained(await write(), lora);
    const ids = Int32Array.of(1, 5, 9, 200, 2, 7, 30, 4);
    const batch = { ids, labels: ids, mask: new Int32Array(8).fill(1), B: 1, T: 8 };
    const { loss, gradients } = accumulateGradients(model, method.parameters, [batch]);
    const lossAt = async (parameter: Parameter, value: tf.Tensor): Promise<number> => {
      const own = parameter.value;
      parameter.value = value;
      const { loss: there } = await evaluateLoss(model, [batch]);
      parameter.value = own;
      return there;
    };
    for (const [i, parameter] of method.parameters.entries()) {
      const norm = Math.hypot(...(await gradients[i]!.data()));
      expect(norm, parameter.name).toBeGreaterThan(1e-3);
      const step = 2e-3; // short enough for these bends, long enough for float32
      const [up, down] = [step, -step].map((size) =>
        tf.tidy(() => tf.add(parameter.value, tf.mul(gradients[i]!, size / norm))),
      );
      const slope = ((await lossAt(parameter, up!)) - (await lossAt(parameter, down!))) / (2 * step);
      expectClose([slope], [norm], { rtol: 0.02, atol: 1e-3 }, parameter.name);
      tf.dispose([up!, down!]);
    }
    tf.dispose([loss, ...gradients]);
    model.dispose();
    base.close();
  });

  it('shows its sizes and targets', async () => {
    const base = openBaseModel(await write());
    const details = describeBaseModel(base);
    base.close();
    expect(details).toMatchObject({
      family: config['model_type'],
      layers: config['num_hidden_layers'],
      hidden: 16,
      targets: expect.arrayContaining(targets) as unknown,
    });
    expect(details.parameters).toBe(
      [...base.tensors.values()].reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0),
    );
  });
});
