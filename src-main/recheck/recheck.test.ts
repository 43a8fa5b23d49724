/** The second reading of an export: right ones pass, and each way of being wrong is found. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { openBaseModel } from '../basemodel/baseModel.ts';
import { mergeAdapter } from '../merging/merge.ts';
import { readPeftAdapter } from '../methods/lora/peft.ts';
import type { IndependentReading, MergeParams } from '../../src-shared/exports.ts';
import { copyAdapter, scaleAlphaOnDisk } from '../../test-support/fixtures/adapters.ts';
import {
  pair,
  temporaryFolder,
  tinyAdapter,
  TINY_CONFIG,
  tinyEntries,
  writeTiny,
} from '../../test-support/fixtures/folders.ts';
import { recheckExport } from './recheck.ts';
import { tensorsOfFile, valuesOf } from './plainTensors.ts';
import { rounded } from './rounding.ts';

const Q = 'model.layers.0.self_attn.q_proj';
type Dtype = MergeParams['dtype'];

interface Exported {
  sourceDir: string;
  exportDir: string;
  adapterDir: string;
  dtype: Dtype;
}

/** A merge with alpha times `alphaFactor`, of a base whose config has literals that JSON.stringify would change. */
async function exported(dtype?: Dtype, alphaFactor = 1): Promise<Exported> {
  const root = temporaryFolder();
  const sourceDir = await writeTiny(path.join(root, 'base'), tinyEntries());
  const config = path.join(sourceDir, 'config.json');
  const text = JSON.stringify({ ...TINY_CONFIG, eos_token_id: 2 }, null, 2);
  const literals = '"made_up_literal": 50.0, "big": 9007199254740993123,';
  fs.writeFileSync(config, text.replace('{', `{\n  ${literals}`));
  fs.writeFileSync(path.join(sourceDir, 'tokenizer.json'), '{"model": {}}');
  const { dir: adapterDir } = await tinyAdapter(Q, pair(8, 8, 2));
  const altered = copyAdapter(adapterDir, path.join(root, 'altered'));
  if (alphaFactor !== 1) scaleAlphaOnDisk(altered, alphaFactor);
  const base = openBaseModel(sourceDir);
  const exportDir = path.join(root, 'merged');
  await mergeAdapter({ base, adapter: readPeftAdapter(altered), outDir: exportDir, ...(dtype ? { dtype } : {}) });
  base.close();
  return { sourceDir, exportDir, adapterDir, dtype };
}

function recheck({ adapterDir, ...folders }: Exported): IndependentReading {
  return recheckExport({ ...folders, tasks: [{ adapterDir, scale: 1 }] });
}

function edit(file: string, change: (text: string) => string): void {
  fs.writeFileSync(file, change(fs.readFileSync(file, 'latin1')), 'latin1');
}

const DTYPES = [undefined, 'f16', 'bf16'] as const;

it.each(DTYPES)('a right export passes, dtype %s', async (dtype) => {
  const reading = recheck(await exported(dtype));
  const tensors = tinyEntries().length;
  expect(reading).toMatchObject({
    problems: [],
    passed: true,
    tensors,
    changed: 1,
    unchanged: dtype ? 0 : tensors - 1,
    cast: dtype ? tensors - 1 : 0,
    changedFields: dtype ? ['config.json: torch_dtype'] : [],
    files: 1,
  });
  expect(reading.valuesChecked).toBeGreaterThanOrEqual(64);
});

describe('finds', () => {
  it.each(DTYPES)('an alpha a tenth too large, or a thousandth, dtype %s', async (dtype) => {
    for (const factor of [1.1, 1.001])
      expect(recheck(await exported(dtype, factor))).toMatchObject({
        passed: false,
        problems: [expect.stringMatching(new RegExp(`^${Q}\\.weight holds .* where source and adapter give`))],
      });
  });

  it('an update that is added the wrong way round', async () => {
    const one = await exported();
    const [file, source] = [one.exportDir, one.sourceDir].map((dir) => path.join(dir, 'model.safetensors'));
    const [to, from] = [file!, source!].map((name) => tensorsOfFile(name).get(`${Q}.weight`)!);
    const [merged, weight] = [valuesOf(to!), valuesOf(from!)];
    const turned = weight.map((w, at) => {
      const other = (at % 8) * 8 + Math.floor(at / 8);
      return w + merged[other]! - weight[other]!;
    });
    const bytes = fs.readFileSync(file!);
    Buffer.from(Float32Array.from(turned).buffer).copy(bytes, to!.start);
    fs.writeFileSync(file!, bytes);
    expect(recheck(one).problems).toEqual([expect.stringContaining(`${Q}.weight holds`)]);
  });

  it('an untouched tensor with one bit changed, a lost one, one too many, and another shape', async () => {
    const flipped = await exported();
    const file = path.join(flipped.exportDir, 'model.safetensors');
    const bytes = fs.readFileSync(file);
    bytes[tensorsOfFile(file).get('model.norm.weight')!.start + 5]! ^= 1;
    fs.writeFileSync(file, bytes);
    expect(recheck(flipped).problems).toEqual([
      'model.norm.weight differs from the source, although no adapter changes it',
    ]);
    const renamed = await exported();
    edit(path.join(renamed.exportDir, 'model.safetensors'), (text) =>
      text.replace('model.norm.weight', 'model.morn.weight'),
    );
    expect(recheck(renamed).problems).toEqual([
      'model.morn.weight is in the export and not in the source',
      'model.norm.weight of the source is not in the export',
    ]);
    const turned = await exported();
    edit(path.join(turned.exportDir, 'model.safetensors'), (text) => text.replace('"shape":[12,8]', '"shape":[8,12]'));
    expect(recheck(turned).problems).toEqual([expect.stringContaining('has shape [8, 12] instead of [12, 8]')]);
  });

  it('tensors that kept their type, or got another', async () => {
    const one = await exported('bf16');
    expect(recheck({ ...one, dtype: 'f16' }).problems.length).toBeGreaterThan(10);
    expect(recheck({ ...(await exported()), dtype: 'bf16' }).problems).toContain(`${Q}.weight is F32 instead of BF16`);
  });

  it.each([
    ['a changed field', '"rms_norm_eps": 0.00001', '"rms_norm_eps": 0.000001', 'rms_norm_eps is 0.000001 instead of'],
    ['a literal that lost its point', '50.0', '50', 'made_up_literal is 50 instead of 50.0'],
    ['an integer that went through a double', '9007199254740993123', '9007199254740993000', 'field big is'],
    ['a lost field', '"eos_token_id": 2', '"eos": 2', 'eos_token_id is absent instead of 2'],
  ])('%s', async (_, from, to, problem) => {
    const one = await exported('bf16');
    edit(path.join(one.exportDir, 'config.json'), (text) => text.replace(from, to));
    expect(recheck(one).problems[0]).toContain(problem);
  });

  it('a file that is lost, changed or not from the source, and ends of text that are not said', async () => {
    const one = await exported();
    const tokenizer = path.join(one.exportDir, 'tokenizer.json');
    fs.writeFileSync(path.join(one.exportDir, 'notes.txt'), '');
    edit(tokenizer, (text) => `${text} `);
    expect(recheck(one).problems).toEqual([
      'notes.txt is in the export and not in the source',
      'tokenizer.json differs from the source',
    ]);
    fs.rmSync(tokenizer);
    expect(recheck(one).problems).toContain('tokenizer.json of the source is not in the export');
    const silent = await exported();
    expect(recheckExport({ ...silent, tasks: [], eosTokenIds: [5] }).problems).toContain(
      'config.json does not name the ids [2,5] as those that end a text',
    );
  });

  it('weights that end early, and an adapter that is not understood', async () => {
    const one = await exported();
    const file = path.join(one.exportDir, 'model.safetensors');
    fs.truncateSync(file, fs.statSync(file).size - 4);
    expect(recheck(one).problems).toEqual([expect.stringContaining('model.safetensors ends before')]);
    const other = await exported();
    edit(path.join(other.adapterDir, 'adapter_model.safetensors'), (text) => text.replaceAll('lora_A', 'vera_A'));
    expect(recheck(other)).toMatchObject({ passed: false });
  });
});

it.each([
  // Ties go to the even value; subnormal values have fewer bits; what is too large is left to the writer.
  ['F32', 1 + 2 ** -24, 1],
  ['F32', 1 + 3 * 2 ** -24, 1 + 2 ** -22],
  ['BF16', 1 + 2 ** -8, 1],
  ['BF16', -(1 + 3 * 2 ** -8), -(1 + 2 ** -6)],
  ['F16', 1 + 2 ** -11 + 2 ** -20, 1 + 2 ** -10],
  ['F16', 2 ** -25, 0],
  ['F16', 1.5 * 2 ** -24, 2 ** -23],
  ['BF16', 2 ** -133, 2 ** -133],
])('%s: %d becomes %d', (dtype, value, want) => expect(rounded(value, dtype)).toBe(want));
