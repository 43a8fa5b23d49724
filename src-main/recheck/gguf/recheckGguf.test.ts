/** The second reading of a GGUF: right files of every family and format pass, each way of being wrong is found. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { FAMILIES, SEVEN } from '../../../test-support/cases/ggufFamilies.ts';
import { attachTrained } from '../../../test-support/cases/methodCases.ts';
import { byteTokenizer } from '../../../test-support/fixtures/byteTokenizer.ts';
import { temporaryFolder } from '../../../test-support/fixtures/folders.ts';
import { TINY_LLAMA, writeTinyModel } from '../../../test-support/fixtures/tinyModel.ts';
import { unpermute } from '../../../test-support/fixtures/wrongGguf.ts';
import { openBaseModel } from '../../basemodel/baseModel.ts';
import type { ModelConfig } from '../../engine/model/architecture.ts';
import { exportGguf } from '../../gguf/exportGguf.ts';
import type { Quantisation } from '../../../src-shared/exports.ts';
import { taskEdits } from '../../merging/merge.ts';
import { readAdapter } from '../../methods/fileRegistry.ts';
import { methodSchema } from '../../../src-shared/methods/registry.ts';
import type { Target } from '../../../src-shared/targets.ts';
import type { GgufReading } from '../../../src-shared/ggufCertificate.ts';
import { useBackend } from '../../worker/backend.ts';
import { recheckGguf } from './recheckGguf.ts';

/** Wide enough for the blocks of 256. */
const WIDE = {
  hidden_size: 256,
  intermediate_size: 512,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  num_hidden_layers: 1,
};
interface Made {
  file: string;
  sourceDir: string;
  adapterDir: string;
}

interface Wrong {
  /** Factor on the adapter that the file is made with. */
  scale?: number;
  ropeTheta?: number;
}

async function made(config: ModelConfig, targets: Target[], quantise: Quantisation, wrong: Wrong = {}): Promise<Made> {
  await useBackend('wasm');
  const sourceDir = await writeTinyModel(path.join(temporaryFolder(), 'base'), { config, seed: 3 });
  const lora = methodSchema.parse({ type: 'lora', rank: 3, alpha: 12, targets });
  const { base: trained, model, method, outDir: adapterDir } = await attachTrained(sourceDir, lora);
  await method.save();
  model.dispose();
  trained.close();
  const opened = openBaseModel(sourceDir);
  const { ropeTheta = opened.spec.ropeTheta, scale = 1 } = wrong;
  const base = { ...opened, spec: { ...opened.spec, ropeTheta } };
  const outFile = path.join(temporaryFolder(), 'model.gguf');
  const edit = taskEdits([{ adapter: readAdapter(adapterDir), scale }], base);
  await exportGguf({ base, edit, quantise, tokenizerMetadata: byteTokenizer(base.spec.vocab), outFile });
  opened.close();
  return { file: outFile, sourceDir, adapterDir };
}

const reread = ({ file, sourceDir, adapterDir }: Made): Promise<GgufReading> =>
  recheckGguf({ file, sourceDir, tasks: [{ adapterDir, scale: 1 }] });

it.each(FAMILIES)('%s: right files pass', async (_, config, targets) => {
  for (const quantise of ['F32', 'F16'] as const) {
    const reading = await reread(await made(config, targets, quantise));
    expect(reading).toMatchObject({ problems: [], passed: true });
    expect(reading.valuesChecked).toBeGreaterThan(5000);
    expect(reading.keysChecked).toBeGreaterThan(5);
    expect(Math.abs(reading.updateShare! - 1)).toBeLessThan(1e-3);
  }
});

const wide = { ...TINY_LLAMA, ...WIDE };

it.each(['BF16', 'Q8_0', 'Q6_K', 'Q5_K_M', 'Q4_K_M', 'Q4_0'] as const)('%s: a right file passes', async (quantise) => {
  const reading = await reread(await made(wide, SEVEN, quantise));
  expect(reading).toMatchObject({ problems: [], passed: true });
  expect(Object.keys(reading.types)).toContain(quantise.replace('_M', ''));
  expect(Math.abs(reading.updateShare! - 1)).toBeLessThan(0.01);
});

describe('finds', () => {
  it.each(['F16', 'Q8_0', 'Q4_K_M', 'Q4_0'] as const)('an alpha a tenth too large, in %s', async (quantise) => {
    const reading = await reread(await made(wide, SEVEN, quantise, { scale: 1.1 }));
    expect(reading.passed).toBe(false);
    expect(reading.problems[0]).toMatch(/of the adapter's update instead of 1|where source and adapter give/);
  });

  it.each(['F16', 'Q4_0'] as const)('rows of q in the order of the source, in %s', async (quantise) => {
    const file = await made(wide, ['v'], quantise);
    await unpermute(file.file, 'blk.0.attn_q.weight', 64);
    expect((await reread(file)).problems[0]).toMatch(/^blk\.0\.attn_q\.weight holds .+ where source and adapter give/);
  });

  it('another rope base', async () => {
    const reading = await reread(await made(TINY_LLAMA, ['q'], 'F32', { ropeTheta: 9000 }));
    expect(reading.problems).toEqual(['llama.rope.freq_base is 9000 instead of 10000']);
  });

  it('a file that ends early, and one that is none', async () => {
    const right = await made(TINY_LLAMA, ['q'], 'F32');
    const bytes = fs.readFileSync(right.file);
    fs.writeFileSync(right.file, bytes.subarray(0, bytes.length - 64));
    expect((await reread(right)).problems[0]).toMatch(/^the file ends before /);
    fs.writeFileSync(right.file, 'no GGUF at all');
    expect((await reread(right)).passed).toBe(false);
  });
});
