/** The recommended models: facts that agree with each other, families that Graft knows, and what fits where. */
import { describe, expect, it } from 'vitest';
import { bestModel } from '../../../src-shared/recommendedModel.ts';
import { RECOMMENDED_MODELS } from '../../../src-shared/recommendedModels.ts';
import type { Room } from '../../../src-shared/plan.ts';
import { baseOfConfig } from '../../basemodel/baseOfConfig.ts';
import { expectedTensors } from '../../basemodel/expectedTensors.ts';
import { SUPPORTED_MODEL_TYPES, type ModelConfig } from '../../engine/model/architecture.ts';
import { modelFit } from './modelFit.ts';

const GIB = 2 ** 30;

function parametersOf(config: ModelConfig): number {
  const tensors = expectedTensors(baseOfConfig(config).spec, config).filter(({ optional }) => !optional);
  return tensors.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
}

describe('each recommended model', () => {
  it('is there once, smaller ones first', () => {
    const names = RECOMMENDED_MODELS.map(({ repository }) => repository);
    expect(new Set(names).size).toBe(names.length);
    const sizes = RECOMMENDED_MODELS.map(({ parameters }) => parameters);
    expect(sizes).toEqual([...sizes].sort((a, b) => a - b));
  });

  // The numbers are those that the hub and the papers publish; the shapes come from config.json.
  it.each(RECOMMENDED_MODELS)('$repository: parameters and size are those of its shapes', (model) => {
    expect(SUPPORTED_MODEL_TYPES).toContain(model.config['model_type']);
    const { spec } = baseOfConfig(model.config);
    const count = parametersOf(model.config);
    expect(count).toBe(model.parameters);
    expect(spec.maxPositions).toBe(model.context);
    // In bf16; some files hold a tied head a second time.
    const stored = [count, ...(spec.tiedHead ? [count + spec.vocab * spec.hidden] : [])].map((one) => 2 * one);
    expect(Math.min(...stored.map((bytes) => Math.abs(model.sizeBytes / bytes - 1)))).toBeLessThan(0.01);
    expect(model.goodFor).toMatch(/^[A-Z].*\.$/);
  });
});

describe('the form in which a model fits', () => {
  const config = { ...RECOMMENDED_MODELS[0]!.config, num_hidden_layers: 3 };
  const parameters = parametersOf(config);
  const card = (totalBytes: number): Room => ({
    gpu: true,
    card: { totalBytes, usedBytes: 0, source: 'the test' },
    bindingBytes: 2 ** 31,
  });
  const on = (totalBytes: number) => modelFit({ config, engine: 'webgpu', room: card(totalBytes) });

  it('is float32 where there is room, packed ones where there is less, and none where there is none', async () => {
    const roomy = await on(16 * GIB);
    expect(roomy).toMatchObject({ baseDtype: 'f32', verdict: 'fits', gpu: true });
    // Weights alone, at the least.
    expect(roomy.totalBytes).toBeGreaterThan(4 * parameters);
    const less = await on(0.9 * roomy.totalBytes);
    expect(less).toMatchObject({ baseDtype: 'bf16', verdict: 'fits' });
    expect(less.totalBytes).toBeGreaterThan(2 * parameters);
    expect(less.totalBytes).toBeLessThan(roomy.totalBytes - parameters);
    const none = await on(1e6);
    expect(none).toMatchObject({ baseDtype: 'nf4', embeddingDtype: 'int8', verdict: 'does not fit' });
    expect(none.totalBytes).toBeGreaterThan(parameters / 2);
  });

  it('is not known where the driver does not tell the memory of the card', async () => {
    const room: Room = { gpu: true, card: null };
    expect(await modelFit({ config, engine: 'webgpu', room })).toMatchObject({ verdict: 'unknown', room: null });
  });
});

describe('the best one to begin with', () => {
  const fitting = (baseDtype: 'f32' | 'bf16' | 'nf4', gpu: boolean, upTo: number) =>
    new Map(
      RECOMMENDED_MODELS.filter(({ parameters }) => parameters <= upTo).map(({ repository }) => [
        repository,
        { verdict: 'fits' as const, baseDtype, gpu },
      ]),
    );
  const best = (...args: Parameters<typeof fitting>) => bestModel(RECOMMENDED_MODELS, fitting(...args));

  it('is the largest for everybody that fits a card, and a small one without a card', () => {
    expect(best('bf16', true, 3.5e9)?.repository).toBe('HuggingFaceTB/SmolLM3-3B');
    expect(best('f32', false, 1e12)?.repository).toBe('Qwen/Qwen3-0.6B');
  });

  it('is none where all of them are packed, or nothing is known', () => {
    expect(best('nf4', true, 1e12)).toBeUndefined();
    expect(best('f32', true, 0)).toBeUndefined();
  });
});
