/** Every method through a folder on disk and back, on three families; and folders that Python PEFT wrote. */
import fs from 'node:fs';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { openBaseModel } from '../basemodel/baseModel.ts';
import { temporaryFolder } from '../../test-support/fixtures/folders.ts';
import { readAdapter } from './fileRegistry.ts';
import { withVirtualTokens } from '../datasets/virtualTokens.ts';
import { replaceValue } from '../engine/model/parameters.ts';
import { expectClose, maxAbsDifference } from '../../test-support/checks/expectClose.ts';
import {
  attendedRows,
  loadModel,
  readJson,
  readTensors,
  toBatch,
  type BaseGolden,
} from '../../test-support/goldens/goldens.ts';
import {
  attachTrained,
  logitsOf,
  METHOD_CASES,
  settingsOf,
  writeFamily,
} from '../../test-support/cases/methodCases.ts';
import { hasShared, sharedPath, skipNote } from '../../test-support/goldens/shared.ts';
import { loadAdapter, saveAdapter } from './adapterFolder.ts';
import { lora as loraMethod } from '../../src-shared/methods/lora.ts';
import { prefix as prefixMethod } from '../../src-shared/methods/prefix.ts';
import { methodSchema, type AdapterSettings } from '../../src-shared/methods/registry.ts';
import { useBackend } from '../worker/backend.ts';

beforeAll(async () => void (await useBackend('tensorflow')));

it.each(METHOD_CASES)('%s, %s: the same logits from disk', async (family, name) => {
  const modelDir = await writeFamily(family);
  const { base, model, method, settings, outDir } = await attachTrained(modelDir, settingsOf(family, name));
  const want = await logitsOf(model);
  const { sha256 } = await method.save();
  const fresh = loadModel(modelDir);
  expect(maxAbsDifference(await logitsOf(fresh), want)).toBeGreaterThan(1e-3);
  const adapter = loadAdapter(outDir, base);
  const scale = Math.max(...want.map(Math.abs));
  // PiSSA comes back on the original base instead of its residual, so its sums are others.
  expectClose(await logitsOf(fresh.with(adapter)), want, {
    rtol: 0,
    atol: (name.startsWith('pissa') ? 1e-5 : 1e-6) * Math.max(1, scale),
  });
  const stored = readAdapter(outDir);
  expect(stored.sha256).toBe(sha256);
  expect(stored.graft).toMatchObject({ baseHash: base.hash, method: { type: settings.type } });
  const isOwn =
    settings.type === 'bitfit' ||
    settings.type === 'adapter' ||
    (settings.type === 'prefix' && settings.kind !== 'key-value') ||
    (family === 'gpt2' && ['loha', 'lokr', 'miss'].includes(settings.type));
  expect(fs.existsSync(path.join(outDir, 'adapter_config.json'))).toBe(!isOwn);
  adapter.dispose();
  for (const one of [model, fresh]) one.dispose();
  base.close();
});

it('an adapter with NaN is not written, in whatever format', async () => {
  for (const name of ['dora', 'houlsby', 'loha', 'prefix key-value']) {
    const { base, model, method, outDir } = await attachTrained(await writeFamily('llama'), settingsOf('llama', name));
    const last = method.parameters.at(-1)!;
    replaceValue(last, tf.fill(last.value.shape, NaN));
    await expect(method.save()).rejects.toMatchObject({
      code: 'ADAPTER_NOT_FINITE',
      message: expect.stringMatching(
        /^The adapter holds NaN or Inf in .*; train again with a lower learning rate\.$/,
      ) as string,
    });
    expect(fs.readdirSync(path.dirname(outDir))).toEqual([]);
    model.dispose();
    base.close();
  }
});

/** Of the goldens: rank 4, alpha 8 on everything. */
const lora = (more: object, targets: string[]): AdapterSettings =>
  loraMethod.schema.parse({ type: 'lora', rank: 4, alpha: 8, targets, ...more });
const miss = (more: object): AdapterSettings => methodSchema.parse({ type: 'miss', ...more }) as AdapterSettings;
const ALL = {
  gpt2: ['qkv', 'o', 'fc', 'proj'],
  llama: ['q', 'k', 'v', 'o', 'gate', 'up', 'down'],
  qwen2: ['q', 'k', 'v', 'o', 'gate', 'up', 'down'],
};
const FAMILIES = ['gpt2', 'llama', 'qwen2'] as const;
const GOLDENS = FAMILIES.flatMap(
  (family) =>
    [
      [family, 'lora_all', lora({}, ALL[family])],
      [family, 'rslora', lora({ rslora: true }, ALL[family])],
      [family, 'dora', lora({ dora: true }, ALL[family])],
      [family, 'dora_randB', lora({ dora: true }, ALL[family])],
      [family, 'ia3', methodSchema.parse({ type: 'ia3' }) as AdapterSettings],
      [family, 'prefix', prefixMethod.schema.parse({ type: 'prefix', prefixLength: 5 })],
      // PEFT refuses it on Conv1D.
      ...(family === 'gpt2'
        ? []
        : ([
            [family, 'miss', miss({ rank: 4 })],
            [family, 'miss_r6', miss({ rank: 6 })],
            [family, 'miss_bat', miss({ rank: 4, variant: 'bat' })],
          ] as const)),
    ] as const,
);

describe.skipIf(!hasShared('golden'))(`folders of Python PEFT${skipNote('golden')}`, () => {
  it.each(GOLDENS)('%s/%s: the logits of PyTorch, and the same files again', async (family, name, settings) => {
    const base = openBaseModel(sharedPath(`golden/${family}/base`));
    const model = loadModel(base.dir);
    const source = sharedPath(`golden/${family}/${name}/final`);
    const adapter = loadAdapter(source, base);
    expectClose(...(await logitsBeside(model.with(adapter), family, name)), { rtol: 1e-4, atol: 1e-4 });

    const dir = path.join(temporaryFolder(), 'again');
    await saveAdapter(dir, adapter, settings, base, {
      format: 1,
      baseHash: base.hash,
      baseName: 'base',
      task: 't',
      runId: 'r',
      createdAt: '2025-01-01T00:00:00.000Z',
    });
    const bytes = (folder: string): Buffer => fs.readFileSync(path.join(folder, 'adapter_model.safetensors'));
    expect(bytes(dir).equals(bytes(source))).toBe(true);
    expect(configOf(dir)).toEqual({ ...configOf(source), base_model_name_or_path: base.dir });
    adapter.dispose();
    model.dispose();
    base.close();
  });

  it.each(['gpt2', 'llama'])(
    '%s/eva_rho2: EVA has left a matrix without a rank, and the file lacks it',
    async (family) => {
      const base = openBaseModel(sharedPath(`golden/${family}/base`));
      const model = loadModel(base.dir);
      const adapter = loadAdapter(sharedPath(`golden/${family}/eva_rho2/final`), base);
      expectClose(...(await logitsBeside(model.with(adapter), family, 'eva_rho2')), { rtol: 1e-4, atol: 3e-4 });
      adapter.dispose();
      model.dispose();
      base.close();
    },
  );

  it.each(FAMILIES)('%s/pissa, converted by PEFT', async (family) => {
    const base = openBaseModel(sharedPath(`golden/${family}/base`));
    const model = loadModel(base.dir);
    const adapter = loadAdapter(sharedPath(`golden/${family}/pissa/final_converted_to_lora`), base);
    expectClose(...(await logitsBeside(model.with(adapter), family, 'pissa')), { rtol: 1e-4, atol: 1e-4 });
    model.dispose();
    base.close();
  });
});

/** Ours and PyTorch's, at the attended positions. */
async function logitsBeside(
  model: ReturnType<typeof loadModel>,
  family: string,
  name: string,
): Promise<[Float32Array, Float32Array]> {
  const { ids, labels, mask, B, T } = toBatch(readJson<BaseGolden>(`golden/${family}/base/golden.json`));
  const { vocab } = model.spec;
  const prefix = model.adapter?.virtual?.prefix ?? 0;
  const rows = Array.from({ length: B }, (_, b) => {
    const row = {
      ids: Int32Array.from(ids.slice(b * T, (b + 1) * T)),
      labels: Int32Array.from(labels.slice(b * T, (b + 1) * T)),
    };
    return withVirtualTokens(row, { prefix, infix: 0, vocab }).ids;
  });
  const logits = tf.tidy(() =>
    tf.slice(
      tf.reshape(
        model.logits(
          model.hidden(
            rows.flatMap((row) => [...row]),
            B,
            T + prefix,
          ),
        ),
        [B, T + prefix, vocab],
      ),
      [0, prefix, 0],
      [B, T, vocab],
    ),
  );
  const got = await logits.data();
  logits.dispose();
  const want = readTensors(`golden/${family}/${name}/logits.safetensors`).get('logits_final')!.values;
  return [attendedRows(got, mask, vocab), attendedRows(want, mask, vocab)];
}

/** GPT-2's two c_proj have one name there and two with us; the order of a Python set means nothing. */
function configOf(dir: string): object {
  const config = JSON.parse(fs.readFileSync(path.join(dir, 'adapter_config.json'), 'utf8')) as {
    target_modules?: string[];
  };
  const targets = config.target_modules?.map((target) => target.slice(target.lastIndexOf('.') + 1));
  const short =
    dir.includes('gpt2') || targets?.includes('c_proj')
      ? targets
      : targets?.map((target) => target.replace(/^(self_attn|mlp)\./, ''));
  return { ...config, ...(short ? { target_modules: [...new Set(short)].sort() } : {}) };
}
