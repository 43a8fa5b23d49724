import { expect, it } from 'vitest';
import { describeMethod, methodSchema, type MethodSettings } from './registry.ts';

it.each([
  [{ type: 'lora' }, 'LoRA', 'rank 8, alpha 16'],
  [
    { type: 'lora', dora: true, rslora: true, layers: [1], targets: ['o'], rank: 2 },
    'rsDoRA',
    'rank 2, alpha 16, o, layer 1',
  ],
  [
    { type: 'lora', init: 'pissa', rankPattern: { '3.q': 4 }, bias: 'lora_only', loraPlusRatio: 16 },
    'PiSSA',
    'rank 8, alpha 16, rank 4 on 3.q, biases of adapted layers, LoRA+ 16',
  ],
  [{ type: 'lokr', factor: 4 }, 'LoKr', 'rank 8, alpha 16, factor 4'],
  [{ type: 'loha' }, 'LoHa', 'rank 8, alpha 16'],
  [{ type: 'full', layers: [10, 11] }, 'Full fine-tuning', 'layers 10 11'],
  [{ type: 'bitfit' }, 'BitFit', ''],
  [{ type: 'miss', variant: 'bat', targets: ['q'] }, 'MiSS (Bat)', 'rank 8, q'],
  [{ type: 'ia3', targets: ['k', 'down'], layers: [1] }, 'IA3', 'k down, layer 1'],
  [
    { type: 'adapter', kind: 'pfeiffer', skipLayers: 2 },
    'Adapter layers (Pfeiffer)',
    'bottleneck 16, lowest 2 skipped',
  ],
  [{ type: 'prefix' }, 'Prefix tuning', '8 tokens'],
  [
    { type: 'prefix', kind: 'layer', prefixLength: 3, infixLength: 2 },
    'Prefix-layer',
    '3 in front, 2 before the answer',
  ],
])('%o', (settings, name, details) => expect(describeMethod(methodSchema.parse(settings))).toEqual({ name, details }));

it('reads rows of before', () => {
  expect(
    describeMethod({
      type: 'lora',
      rank: 4,
      alpha: 8,
      dropout: 0,
      targets: ['q', 'v'],
      init: 'kaiming',
    } as MethodSettings),
  ).toEqual({ name: 'LoRA', details: 'rank 4, alpha 8, q v' });
});
