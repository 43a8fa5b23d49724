/** LoKr and LoHa as PEFT has them: factors, shapes, fields, and folders that PEFT wrote. */
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { factorise } from '../../src-shared/methods/lokr.ts';
import { linearModules, type LinearModule } from '../engine/model/architecture.ts';
import { writeAdapterFile, type NamedTensor, type NamedTensors } from '../adapters/files.ts';
import { openBaseModel } from '../basemodel/baseModel.ts';
import { lokrShapes } from './lokr/files.ts';
import { fullLycorisConfig } from './lycoris.ts';
import { temporaryFolder, values, writeTiny } from '../../test-support/fixtures/folders.ts';
import { readAdapter } from './fileRegistry.ts';

describe('factors of a size', () => {
  it.each([
    // The examples in PEFT's documentation of its function, and what that function does where the factor is the larger
    // one.
    [256, undefined, [16, 16]],
    [128, undefined, [8, 16]],
    [127, undefined, [1, 127]],
    [128, 4, [4, 32]],
    [64, 16, [16, 4]],
    [12, 5, [3, 4]],
    [18, 4, [3, 6]],
  ] as const)('%i with %s', (size, factor, want) => expect(factorise(size, factor)).toEqual(want));

  it('W2 is whole from a rank of half its longer side on', () => {
    const module = { inFeatures: 64, outFeatures: 128 } as LinearModule;
    expect(lokrShapes(module, 7)).toEqual({ lokr_w1: [8, 8], lokr_w2_a: [16, 7], lokr_w2_b: [7, 8] });
    expect(lokrShapes(module, 8)).toEqual({ lokr_w1: [8, 8], lokr_w2: [16, 8] });
  });
});

describe('adapter_config.json', () => {
  const input = {
    r: 4,
    alpha: 8,
    target_modules: ['q_proj'],
    layers_to_transform: null,
    base_model_name_or_path: null,
  };
  const LOKR = { decompose_both: false, decompose_factor: -1, rank_dropout_scale: false };
  const shared = [
    'alpha',
    'alpha_pattern',
    'auto_mapping',
    'base_model_name_or_path',
    'exclude_modules',
    'inference_mode',
    'init_weights',
    'layers_pattern',
    'layers_to_transform',
    'module_dropout',
    'modules_to_save',
    'peft_type',
    'peft_version',
    'r',
    'rank_dropout',
    'rank_pattern',
    'revision',
    'target_modules',
    'task_type',
    'use_effective_conv2d',
  ];

  it('has the fields of LoHaConfig and LoKrConfig', () => {
    expect(Object.keys(fullLycorisConfig('LOHA', input))).toEqual(shared);
    expect(Object.keys(fullLycorisConfig('LOKR', { ...input, ...LOKR }))).toEqual(
      [...shared, 'decompose_both', 'decompose_factor', 'rank_dropout_scale'].sort(),
    );
    expect(fullLycorisConfig('LOKR', { ...input, ...LOKR })).toMatchObject({
      peft_type: 'LOKR',
      decompose_factor: -1,
      decompose_both: false,
    });
  });
});

const Q = 'base_model.model.model.layers.0.self_attn.q_proj';
const tensor = (shape: number[], seed: number): NamedTensor => ({
  shape,
  data: values(
    shape.reduce((a, b) => a * b),
    seed,
  ),
});

/** A folder as PEFT writes it, without graft.json, read back. */
async function foreign(config: object, tensors: NamedTensors): Promise<string> {
  const dir = path.join(temporaryFolder(), 'adapter');
  await writeAdapterFile(dir, {
    config: { task_type: 'CAUSAL_LM', target_modules: ['q_proj'], layers_to_transform: [0], ...config },
    tensors,
  });
  return dir;
}

describe('folders made elsewhere', () => {
  const LOHA: NamedTensors = new Map([
    [`${Q}.hada_w1_a`, tensor([8, 2], 1)],
    [`${Q}.hada_w1_b`, tensor([2, 8], 2)],
    [`${Q}.hada_w2_a`, tensor([8, 2], 3)],
    [`${Q}.hada_w2_b`, tensor([2, 8], 4)],
  ]);

  it('are read with patterns, and checked against the base', async () => {
    const base = openBaseModel(await writeTiny(path.join(temporaryFolder(), 'model')));
    const content = readAdapter(
      await foreign({ peft_type: 'LOHA', r: 8, alpha: 6, rank_pattern: { q_proj: 2 } }, LOHA),
    ).on(base);
    expect(content).toMatchObject({
      settings: { type: 'loha', rank: 8, alpha: 6, targets: ['q'], layers: [0] },
      cells: [{ scale: 3, module: { target: 'q', layer: 0 } }],
    });
    const wrong = await foreign(
      { peft_type: 'LOHA', r: 2, alpha: 6 },
      new Map([...LOHA].map(([name, value]) => [name.replace('self_attn.q_proj', 'mlp.up_proj'), value])),
    );
    expect(() => readAdapter(wrong).on(base)).toThrowError(expect.objectContaining({ code: 'ADAPTER_SHAPE' }));
    const half = await foreign({ peft_type: 'LOHA', r: 2, alpha: 6 }, new Map([...LOHA].slice(1)));
    expect(() => readAdapter(half).on(base)).toThrowError(expect.objectContaining({ code: 'PEFT_WEIGHTS' }));
    base.close();
  });

  it("LoKr's W1 as two factors becomes their product", async () => {
    const base = openBaseModel(await writeTiny(path.join(temporaryFolder(), 'model')));
    const [a, b] = [tensor([2, 1], 1), tensor([1, 4], 2)];
    const dir = await foreign(
      { peft_type: 'LOKR', r: 1, alpha: 2, decompose_both: true },
      new Map([
        [`${Q}.lokr_w1_a`, a],
        [`${Q}.lokr_w1_b`, b],
        [`${Q}.lokr_w2`, tensor([4, 2], 3)],
      ]),
    );
    const { settings, cells } = readAdapter(dir).on(base);
    const cell = cells[0]!;
    expect(settings.type).toBe('lokr');
    expect(cell.scale).toBe(2);
    expect([...cell.parts['lokr_w1']!.data]).toEqual(
      [0, 1].flatMap((i) => [0, 1, 2, 3].map((j) => Math.fround(a.data[i]! * b.data[j]!))),
    );
    expect(linearModules(base.spec)).toContainEqual(cell.module);
    base.close();
  });

  it.each([
    [{ peft_type: 'LOHA', r: 2, alpha: 4, init_weights: 'abba' }, 'PEFT_UNSUPPORTED', 'ABBA'],
    [{ peft_type: 'LOHA', r: 2, alpha: 4, modules_to_save: ['lm_head'] }, 'PEFT_UNSUPPORTED', 'modules_to_save'],
    [{ peft_type: 'LOHA', r: 'two', alpha: 4 }, 'PEFT_CONFIG', 'field r is "two", but a number is needed'],
    [{ peft_type: 'LOKR', r: 2, alpha: 4 }, 'PEFT_WEIGHTS', 'is not a part of a LoKr'],
    [{ peft_type: 'VERA', r: 2 }, 'PEFT_UNSUPPORTED', 'peft_type "VERA"'],
  ])('refuses %o', async (config, code, text) => {
    const dir = await foreign(config, LOHA);
    expect(() => readAdapter(dir)).toThrowError(
      expect.objectContaining({ code, message: expect.stringContaining(text) as string }),
    );
  });
});
