/** Merging with its parity certificate: passes for the true adapter, fails for one that is 10 % off. */
import fs from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { openBaseModel } from '../../basemodel/baseModel.ts';
import { readPeftAdapter } from '../../methods/lora/peft.ts';
import { temporaryFolder } from '../../../test-support/fixtures/folders.ts';
import { mergeAdapter, taskEdits } from '../../merging/merge.ts';
import { copyAdapter, randomAdapter, scaleAlphaOnDisk } from '../../../test-support/fixtures/adapters.ts';
import { readJson } from '../../../test-support/goldens/goldens.ts';
import { hasShared, sharedPath, skipNote } from '../../../test-support/goldens/shared.ts';
import { filesBelow, hashOf } from '../../../test-support/rigs/tinyRun.ts';
import { writeTinyModel } from '../../../test-support/fixtures/tinyModel.ts';
import { useBackend } from '../backend.ts';
import { heldOutPrompts } from './heldOutPrompts.ts';
import { mergeAndVerify } from './merge.ts';
import { sumTolerance, parityOf, type Parity } from './parity.ts';
import type { MergeResult } from '../../../src-shared/exports.ts';
import type { WorkerCalls } from '../../../src-shared/workerCalls.ts';

const DTYPES = ['f32', 'f16', 'bf16'] as const;
type Dtype = (typeof DTYPES)[number];
const CASES = ['llama/lora_all', 'llama/lora_qv', 'gpt2/lora_all', 'gpt2/lora_qv'].flatMap((name) =>
  DTYPES.map((dtype) => [name, dtype] as const),
);

beforeAll(async () => void (await useBackend('tensorflow')));

describe.skipIf(!hasShared('golden'))(`adapters trained by PEFT${skipNote('golden')}`, () => {
  const base = (name: string): string => sharedPath(`golden/${name.split('/')[0]}/base`);
  const adapterDir = (name: string): string => sharedPath(`golden/${name}/final`);

  it.each(CASES)('%s merges into %s with a certificate', async (name, dtype) => {
    const outDir = path.join(temporaryFolder(), 'merged');
    const phases = new Set<string>();
    const { certificate, files, sizeBytes } = await mergeAndVerify(
      { engine: 'tensorflow', modelDir: base(name), adapterDir: adapterDir(name), outDir, dtype },
      ({ phase }) => void phases.add(phase),
    );
    expect(certificate).toMatchObject({
      dtype,
      passed: true,
      engine: 'tensorflow',
      prompts: 8,
      baseHash: hashOf(base(name)),
      adapterSha256: readPeftAdapter(adapterDir(name)).sha256,
    });
    expect(certificate.maxLogitDifference).toBeGreaterThan(0);
    expect(certificate.maxLogitDifference).toBeLessThanOrEqual(certificate.tolerance);
    if (dtype === 'f32')
      expect(certificate).toMatchObject({
        equalGreedyShare: 1,
        maxLogitDifference: expect.toSatisfy((d: number) => d < 1e-4) as number,
      });
    expect([...phases]).toEqual(['merge', 'verify']);
    expect(JSON.parse(fs.readFileSync(path.join(outDir, 'parity.json'), 'utf8'))).toEqual(certificate);
    expect(files.toSorted()).toEqual(filesBelow(outDir));
    expect(sizeBytes).toBe(
      files
        .filter((file) => file !== 'parity.json')
        .reduce((sum, file) => sum + fs.statSync(path.join(outDir, file)).size, 0),
    );
  });

  it('llama/lora_qv merges into shards with a certificate, its second reading included', async () => {
    const outDir = path.join(temporaryFolder(), 'merged');
    const adapter = adapterDir('llama/lora_qv');
    const { certificate, files } = await mergeAndVerify(
      { engine: 'tensorflow', modelDir: base('llama/lora_qv'), adapterDir: adapter, outDir, maxShardBytes: 20_000 },
      () => undefined,
    );
    expect(certificate).toMatchObject({ passed: true, reading: { passed: true, problems: [] } });
    expect(files.filter((name) => name.endsWith('.safetensors')).length).toBeGreaterThan(1);
  });

  it.each(CASES)('%s merged into %s with an alpha that is a tenth too large fails', async (name, dtype) => {
    const parity = await parityOfAltered(base(name), adapterDir(name), dtype, 1.1);
    expect(parity.passed).toBe(false);
    expect(parity.maxLogitDifference).toBeGreaterThan(1.2 * parity.tolerance);
  });

  it('one wrong part in a thousand is already too much for f32', async () => {
    expect((await parityOfAltered(base('llama/lora_qv'), adapterDir('llama/lora_qv'), 'f32', 1.001)).passed).toBe(
      false,
    );
  });

  it('an export whose certificate fails is not there, unless it is wanted: then it says so', async () => {
    const parent = temporaryFolder();
    const changing = copyAdapter(adapterDir('llama/lora_qv'), path.join(temporaryFolder(), 'adapter'));
    const params = {
      engine: 'tensorflow',
      modelDir: base('llama/lora_qv'),
      adapterDir: changing,
      outDir: path.join(parent, 'new', 'merged'),
      dtype: 'f32',
    } as const;
    const original = fs.readFileSync(path.join(changing, 'adapter_config.json'));
    let changed = false;
    // The adapter changes on disk once it has been merged, so that the certificate finds something else there.
    const change = ({ phase }: WorkerCalls['merge']['event']): void => {
      if (phase === 'merge' && !changed) scaleAlphaOnDisk(changing, 1.1);
      changed = true;
    };
    await expect(mergeAndVerify(params, change)).rejects.toMatchObject({
      code: 'PARITY_FAILED',
      message: expect.stringMatching(
        /^The written model's logits differ .* above the tolerance .* of f32 .*; nothing was exported, .*\.$/,
      ) as string,
      details: { certificate: { passed: false } },
    });
    expect(filesBelow(parent)).toEqual([]);
    fs.writeFileSync(path.join(changing, 'adapter_config.json'), original);
    changed = false;
    const kept = await mergeAndVerify({ ...params, allowFailedCertificate: true }, change);
    expect(kept.certificate).toMatchObject({ passed: false, keptDespiteFailure: true, reading: { passed: false } });
    expect(JSON.parse(fs.readFileSync(path.join(params.outDir, 'parity.json'), 'utf8'))).toEqual(kept.certificate);
  });

  it('the coarsest dtype of the base decides where none is asked for', async () => {
    const { certificate } = await merged(sharedPath('golden/qwen2/base'), sharedPath('golden/qwen2/lora_all/final'));
    expect(certificate).toMatchObject({ dtype: 'bf16', passed: true });
    const shards = Object.values(
      readJson<{ weight_map: Record<string, string> }>('golden/qwen2/base/model.safetensors.index.json').weight_map,
    );
    expect(new Set(shards).size).toBe(2);
  });
});

it("GPT-2's q and v, adapted one by one, merge as PEFT's fused pair", async () => {
  const config = {
    model_type: 'gpt2',
    n_embd: 16,
    n_head: 4,
    n_layer: 2,
    n_positions: 64,
    vocab_size: 258,
    activation_function: 'gelu_new',
    torch_dtype: 'float32',
  };
  const modelDir = await writeTinyModel(path.join(temporaryFolder(), 'gpt2'), { config });
  const { certificate } = await merged(modelDir, await randomAdapter(modelDir, ['q', 'v', 'fc']));
  expect(certificate).toMatchObject({ dtype: 'f32', passed: true });
  const altered = await parityOfAltered(modelDir, await randomAdapter(modelDir, ['q', 'v']), 'f32', 1.01);
  expect(altered.passed).toBe(false);
});

it('names the end of an answer that training taught in the configuration, after the EOS that is there', async () => {
  const modelDir = await writeTinyModel(path.join(temporaryFolder(), 'own'));
  const adapterDir = await randomAdapter(modelDir, ['q', 'v']);
  const file = path.join(adapterDir, 'graft.json');
  const endTokens = [{ id: 7, text: '<|im_end|>' }];
  fs.writeFileSync(file, JSON.stringify({ ...(JSON.parse(fs.readFileSync(file, 'utf8')) as object), endTokens }));
  const { certificate, outDir } = await merged(modelDir, adapterDir);
  expect(certificate).toMatchObject({
    passed: true,
    reading: {
      changedFields: [
        'config.json: eos_token_id',
        'generation_config.json: bos_token_id',
        'generation_config.json: eos_token_id',
      ],
    },
  });
  const json = (name: string): object => JSON.parse(fs.readFileSync(path.join(outDir, name), 'utf8')) as object;
  expect(json('config.json')).toMatchObject({ eos_token_id: [257, 7] });
  expect(json('generation_config.json')).toEqual({ bos_token_id: 256, eos_token_id: [257, 7] });
});

it('refuses the adapter of another base, and leaves nothing', async () => {
  const parent = temporaryFolder();
  const own = await writeTinyModel(path.join(temporaryFolder(), 'own'));
  const other = await writeTinyModel(path.join(temporaryFolder(), 'other'), { seed: 1 });
  const adapterDir = await randomAdapter(own, ['q', 'v']);
  const params = { engine: 'tensorflow', modelDir: other, adapterDir, outDir: path.join(parent, 'out') } as const;
  await expect(mergeAndVerify(params, () => undefined)).rejects.toMatchObject({ code: 'ADAPTER_WRONG_BASE' });
  expect(filesBelow(parent)).toEqual([]);
});

it('NaN never passes, and a larger model or logit may differ more', () => {
  expect(NaN <= sumTolerance(1, NaN)).toBe(false);
  expect(sumTolerance(8, 10)).toBeCloseTo(2 * sumTolerance(2, 10), 12);
  expect(sumTolerance(2, 20)).toBeCloseTo(2 * sumTolerance(2, 10), 12);
});

function merged(modelDir: string, adapterDir: string): Promise<MergeResult> {
  return mergeAndVerify(
    { engine: 'tensorflow', modelDir, adapterDir, outDir: path.join(temporaryFolder(), 'merged') },
    () => undefined,
  );
}

/** Merges a copy of the adapter whose alpha is `factor` times as large, and compares with the true adapter. */
async function parityOfAltered(modelDir: string, adapterDir: string, dtype: Dtype, factor: number): Promise<Parity> {
  const altered = copyAdapter(adapterDir, path.join(temporaryFolder(), 'altered'));
  scaleAlphaOnDisk(altered, factor);
  const mergedDir = path.join(temporaryFolder(), 'merged');
  const base = openBaseModel(modelDir);
  try {
    await mergeAdapter({ base, adapter: readPeftAdapter(altered), outDir: mergedDir, dtype });
    const prompts = await heldOutPrompts(mergedDir, base.spec, undefined);
    const edit = taskEdits([{ adapter: readPeftAdapter(altered), scale: 1 }], base);
    return await parityOf({ base, basis: base, tasks: [{ adapterDir, scale: 1 }], mergedDir, prompts, edit, dtype });
  } finally {
    base.close();
  }
}
