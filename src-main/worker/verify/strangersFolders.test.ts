/**
 * Model and adapter folders that real programs write and others misread, made by the scripts beside the repository
 * (../shared/bugs, cases 20 to 27) on a trained model of 260,000 parameters. The judge is a float64 pass in NumPy.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeFolders, oneHeldOutPrompt, STORIES, strangersNote } from '../../../test-support/fixtures/strangers.ts';
import { sharedPath } from '../../../test-support/goldens/shared.ts';
import { dataSpecSchema } from '../../../src-shared/runSpec.ts';
import { openBaseModel } from '../../basemodel/baseModel.ts';
import { readModel } from '../../app/models/read.ts';
import { readAdapter } from '../../methods/fileRegistry.ts';
import { evaluate } from './evaluate.ts';
import { mergeAndVerify } from './merge.ts';

const note = strangersNote();
const root = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-strangers-'));
afterAll(() => fs.rmSync(root, { recursive: true, force: true }));
const [models, adapters] = [path.join(root, 'models'), path.join(root, 'adapters')];
const base = sharedPath(STORIES);
/** Closer to float64 than wasm, whose loss of `exclude` is 5e-5 off. */
const ENGINE = 'tensorflow';

const opened = (dir: string) => {
  const model = openBaseModel(dir);
  model.close();
  return model;
};

/** Of the text of case 23, as the scripts compute it. */
async function lossOf(
  modelDir: string,
  adapterDir?: string,
  file = sharedPath('bugs/23-rope-forms/text.jsonl'),
  { controlTokens = false } = {},
): Promise<number> {
  const data = dataSpecSchema.parse({ file, lossOn: 'all', controlTokens });
  const result = await evaluate(
    { engine: ENGINE, modelDir, ...(adapterDir === undefined ? {} : { adapterDir }), data, batch: 1 },
    () => undefined,
  );
  return result.loss;
}

describe.skipIf(note !== '')(`folders of strangers${note}`, () => {
  let expected: Record<string, number>;
  let heldOut: ReturnType<typeof oneHeldOutPrompt>;
  beforeAll(() => {
    heldOut = oneHeldOutPrompt(root);
    makeFolders('make_models.py', models);
    makeFolders('make_adapters.py', adapters);
    expected = JSON.parse(fs.readFileSync(path.join(adapters, 'expected.json'), 'utf8')) as Record<string, number>;
  });

  it.each([
    ['rope_v5_theta_top', 1.163909],
    ['rope_v5', 1.163909],
    ['rope_linear1', 0.748634],
    // By a float64 pass in NumPy with these formulas; "dynamic" changes nothing before the model's own length.
    ['rope_linear', 1.992547],
    ['rope_yarn', 0.88904],
    ['rope_v5_plus_scaling', 0.88904],
    ['rope_dynamic', 0.748634],
    ['extra_i64', 0.748634],
    ['extra_f64', 0.748634],
    ['extra_posids', 0.748634],
    ['extras_float', 0.748634],
    ['nometa', 0.748634],
    ['tied_and_same', 0.748634],
  ])('model %s: loss %f', async (name, loss) => {
    expect(await lossOf(path.join(models, name))).toBeCloseTo(loss, 4);
  });

  it('a token outside the embedding is told when the model is looked at, and refused in a text', async () => {
    const dir = path.join(models, 'tok_outside');
    expect(readModel(dir).notes).toEqual([expect.stringContaining('up to 512 (<|x|>)') as string]);
    const file = path.join(root, 'outside.jsonl');
    fs.writeFileSync(file, JSON.stringify({ text: 'Once upon <|x|> a time' }));
    await expect(lossOf(dir, undefined, file, { controlTokens: true })).rejects.toMatchObject({
      code: 'DATASET_NO_USABLE_ROWS',
      message: expect.stringContaining('line 1: its token 512 (<|x|>) is outside the embedding') as string,
    });
    expect(await lossOf(dir, undefined, file)).toBeGreaterThan(0); // its text is text
  });

  it('an extra tensor is named when the model is looked at', () => {
    expect(opened(path.join(models, 'extra_i64')).notes).toEqual([expect.stringContaining('train.step') as string]);
    expect(opened(path.join(models, 'extra_posids')).notes).toEqual([
      expect.stringContaining('position_ids') as string,
    ]);
    expect(opened(base).notes).toEqual([]);
  });

  it.each([
    ...['bnb4', 'bnb4_noconf', 'gptq', 'gptq_noconf', 'fp8', 'fp8_noconf'].map((name) => [
      name,
      'CHECKPOINT_QUANTISED',
    ]),
    ['rope_v5_nested', 'BAD_CONFIG'],
    ['tied_but_differs', 'CHECKPOINT_TIED_HEAD'],
    ['bias_false', 'CHECKPOINT_CONFIG'],
    ['f64', 'CHECKPOINT_TENSOR_DTYPE'],
  ])('model %s: refused with %s', (name, code) => {
    expect(() => opened(path.join(models, name))).toThrowError(expect.objectContaining({ code }));
  });

  it.each([
    'old-keys',
    'new-keys',
    'nulls',
    'null-lora_dropout',
    'null-use_rslora',
    'null-use_dora',
    'null-fan_in_fan_out',
    'null-init_lora_weights',
    'null-target_modules',
    'no-alpha',
    'no-targets',
    'default-in-key',
    'alpha-float-r-float',
    'dropout-int',
    'regex',
    'all-linear',
    'patterns',
    'layers',
    'exclude',
    'faninfanout',
    'rslora',
    'embed-autosaved',
  ])('adapter %s: the loss of the float64 pass, beside its base and merged with a certificate', async (name) => {
    const adapterDir = path.join(adapters, name);
    expect(await lossOf(base, adapterDir)).toBeCloseTo(expected[name]!, 4);
    const outDir = path.join(root, 'merged', name);
    const params = { engine: ENGINE, modelDir: base, adapterDir, outDir, heldOut } as const;
    const { certificate } = await mergeAndVerify(params, () => undefined);
    expect(certificate).toMatchObject({ passed: true, prompts: 1, reading: { problems: [] } });
    expect(await lossOf(outDir)).toBeCloseTo(expected[name]!, 4);
  });

  it.each(['extras_float', 'extra_i64'])(
    'model %s: merged with a certificate, what no layer reads as it was',
    async (name) => {
      const outDir = path.join(root, 'merged', name);
      const params = {
        engine: ENGINE,
        modelDir: path.join(models, name),
        adapterDir: path.join(adapters, 'all-linear'),
        outDir,
        heldOut,
      } as const;
      const { certificate } = await mergeAndVerify(params, () => undefined);
      expect(certificate).toMatchObject({ passed: true, reading: { problems: [] } });
      expect(await lossOf(outDir)).toBeCloseTo(expected['all-linear']!, 4);
    },
  );

  it.each(['modules-to-save', 'lora-embedding'])('adapter %s: what it holds beside changes nothing', async (name) => {
    expect(await lossOf(base, path.join(adapters, name))).toBeCloseTo(expected['new-keys']!, 4);
  });

  it.each([
    ['lora-bias', 'lacks the bias on lora_B'],
    ['replication', 'layer_replication'],
    ['token-indices', 'trainable_token_indices'],
    ['vl-prefix', 'model.language_model.layers.0'],
    ['bin', 'is a safetensors file under another name'],
  ])('adapter %s: refused for what it is', (name, text) => {
    const model = openBaseModel(base);
    try {
      expect(() => readAdapter(path.join(adapters, name)).on(model)).toThrowError(text);
    } finally {
      model.close();
    }
  });
});
