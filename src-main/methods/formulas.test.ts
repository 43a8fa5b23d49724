/** The closed formulas against what each method really makes. */
import { beforeAll, expect, it } from 'vitest';
import { openBaseModel } from '../basemodel/baseModel.ts';
import {
  attachTrained,
  METHOD_CASES,
  settingsOf,
  writeFamily,
  type TinyFamily,
} from '../../test-support/cases/methodCases.ts';
import { methodSchema, type MethodSettings } from '../../src-shared/methods/registry.ts';
import { architectureFromConfig } from '../engine/model/architecture.ts';
import { countParameters } from '../engine/model/parameters.ts';
import { trainableOf } from './formulas.ts';
import { useBackend } from '../worker/backend.ts';

beforeAll(async () => void (await useBackend('tensorflow')));

const FAMILIES: TinyFamily[] = ['gpt2', 'llama', 'qwen2'];
const CASES = [
  ...METHOD_CASES.map(([family, name]) => [family, name, settingsOf(family, name)] as const),
  ...FAMILIES.flatMap((family) => [
    [family, 'full', { type: 'full' } as MethodSettings] as const,
    [family, 'the top layer', { type: 'full', layers: [1] } as MethodSettings] as const,
    [family, 'lokr with a whole W2', methodSchema.parse({ type: 'lokr', rank: 8, targets: ['q', 'k', 'o'] })] as const,
  ]),
];

it.each(CASES)('%s, %s', async (family, _name, settings) => {
  const modelDir = await writeFamily(family);
  const { base, model, method } = await attachTrained(modelDir, settings);
  expect(trainableOf(base.spec, base.tensors, settings).count).toBe(countParameters(method.parameters));
  model.dispose();
  base.close();
});

it('the paper: GPT-2 medium with LoRA of rank 4 on q and v has 0.39 M parameters by 2·L·d_model·r', () => {
  const spec = architectureFromConfig({
    model_type: 'gpt2',
    n_embd: 1024,
    n_head: 16,
    n_layer: 24,
    n_positions: 1024,
    vocab_size: 50257,
  });
  const { count, formula } = trainableOf(
    spec,
    new Map(),
    methodSchema.parse({ type: 'lora', rank: 4, targets: ['q', 'v'] }),
  );
  expect([count, formula]).toEqual([393_216, '2·L·d_model·r = 2·48·1024·4']);
});

it('what does not fit is refused as in training', async () => {
  const base = openBaseModel(await writeFamily('llama'));
  expect(() => trainableOf(base.spec, base.tensors, { type: 'bitfit' })).toThrowError(
    expect.objectContaining({ code: 'NO_BIASES' }),
  );
  base.close();
});
