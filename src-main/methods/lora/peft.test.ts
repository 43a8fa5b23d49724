import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { hasShared, sharedPath, skipNote } from '../../../test-support/goldens/shared.ts';
import { openBaseModel } from '../../basemodel/baseModel.ts';
import { castF32 } from '../../safetensors/dtype.ts';
import type { GraftAdapterInfo } from '../../adapters/graftInfo.ts';
import { writeSafetensors } from '../../safetensors/write.ts';
import { mountDisk, NO_DISK, pair, temporaryFolder, writeTiny } from '../../../test-support/fixtures/folders.ts';
import { assertAdapterFitsBase } from '../../adapters/fit.ts';
import { readPeftAdapter, writePeftAdapter, type LoraPair } from './peft.ts';
import { moduleRank, moduleScale, type PeftConfigInput } from './peftConfig.ts';

const Q = 'model.layers.0.self_attn.q_proj';
const CONFIG: PeftConfigInput = {
  r: 2,
  lora_alpha: 4,
  lora_dropout: 0,
  target_modules: ['q_proj'],
  layers_to_transform: [0],
  fan_in_fan_out: false,
  base_model_name_or_path: 'tiny',
};
const graftInfo = (baseHash: string): GraftAdapterInfo => ({
  format: 1,
  baseHash,
  baseName: 'tiny',
  task: 't',
  runId: 'r1',
  createdAt: '2025-01-01T00:00:00.000Z',
});
const fails = (code: string, text: string): unknown =>
  expect.objectContaining({ code, message: expect.stringContaining(text) });

async function writeSmall(
  modules: [string, LoraPair][] = [[Q, pair(8, 8, 2)]],
  graft?: GraftAdapterInfo,
): Promise<string> {
  const dir = path.join(temporaryFolder(), 'adapter');
  await writePeftAdapter(dir, { config: CONFIG, modules: new Map(modules), ...(graft ? { graft } : {}) });
  return dir;
}

/** Changes fields of a written adapter_config.json. */
function patch(dir: string, fields: Record<string, unknown>): string {
  const file = path.join(dir, 'adapter_config.json');
  fs.writeFileSync(file, JSON.stringify({ ...JSON.parse(fs.readFileSync(file, 'utf8')), ...fields }));
  return dir;
}

describe('the Python library', () => {
  it
    .skipIf(!hasShared('golden'))
    .each(['llama/lora_qv', 'gpt2/lora_all', 'qwen2/rslora', 'gpt2/dora', 'llama/dora_randB'])(
    `%s: what is read is written again as PEFT wrote it${skipNote('golden')}`,
    async (golden) => {
      const source = sharedPath(`golden/${golden}/final`);
      const adapter = readPeftAdapter(source);
      const dir = path.join(temporaryFolder(), 'again');
      const {
        r,
        lora_alpha,
        lora_dropout,
        target_modules,
        fan_in_fan_out,
        base_model_name_or_path,
        use_rslora,
        use_dora,
      } = adapter.config;
      const written = await writePeftAdapter(dir, {
        config: {
          r,
          lora_alpha,
          lora_dropout,
          target_modules: target_modules as string[],
          fan_in_fan_out,
          base_model_name_or_path,
          use_rslora,
          use_dora,
        },
        modules: adapter.modules,
      });
      const bytes = fs.readFileSync(path.join(dir, 'adapter_model.safetensors'));
      expect(bytes.equals(fs.readFileSync(path.join(source, 'adapter_model.safetensors')))).toBe(true);
      const config = (folder: string): unknown =>
        JSON.parse(fs.readFileSync(path.join(folder, 'adapter_config.json'), 'utf8'));
      expect(config(dir)).toEqual(config(source));
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      expect([written.sha256, adapter.sha256]).toEqual([sha256, sha256]);
      expect(adapter.graft).toBeUndefined();
    },
  );

  it.skipIf(!hasShared('golden')).each([
    ['llama/pissa/final', 'initialised with pissa'],
    ['llama/prefix/final', 'PREFIX_TUNING'],
  ])(`refuses %s${skipNote('golden')}`, (golden, text) => {
    expect(() => readPeftAdapter(sharedPath(`golden/${golden}`))).toThrowError(fails('PEFT_UNSUPPORTED', text));
  });
});

describe('scale', () => {
  it.each([
    [{ r: 4, lora_alpha: 8 }, 2],
    [{ r: 4, lora_alpha: 8, use_rslora: true }, 4],
    [{ r: 4, lora_alpha: 8, rank_pattern: { q_proj: 2 } }, 4],
    [{ r: 4, lora_alpha: 8, alpha_pattern: { 'layers.0.self_attn.q_proj': 1 } }, 0.25],
    [{ r: 4, lora_alpha: 8, rank_pattern: { 'layers\\.\\d+\\.self_attn\\.(q|v)_proj': 16 } }, 0.5],
    [{ r: 4, lora_alpha: 8, rank_pattern: { [Q]: 8, q_proj: 1 } }, 1], // the first match counts
    [{ r: 4, lora_alpha: 8, rank_pattern: { roj: 1, q_pro: 1, 'layers.0': 1 } }, 2], // whole parts only, up to the end
  ])('%o', (config, scale) => expect(moduleScale(config, Q)).toBe(scale));
});

describe('reading', () => {
  it('gives back what was written, with patterns and graft.json', async () => {
    const dir = path.join(temporaryFolder(), 'a');
    const modules = new Map([
      [Q, pair(8, 8, 2)],
      ['model.layers.1.mlp.up_proj', pair(8, 12, 3)],
    ]);
    await writePeftAdapter(dir, {
      config: { ...CONFIG, rank_pattern: { up_proj: 3 } },
      modules,
      graft: graftInfo('abc'),
    });
    const adapter = readPeftAdapter(dir);
    expect(new Map(adapter.modules)).toEqual(modules);
    expect(adapter.graft).toEqual(graftInfo('abc'));
    expect(moduleRank(adapter.config, 'model.layers.1.mlp.up_proj')).toBe(3);
  });

  it.each([
    [{ bias: 'some' }, 'PEFT_CONFIG', 'field bias is "some", but one of ["none","all","lora_only"] is needed'],
    [{ use_dora: true }, 'PEFT_WEIGHTS', 'has no lora_magnitude_vector'],
    [{ lora_bias: true }, 'PEFT_WEIGHTS', 'lacks the bias on lora_B'],
    // What LoRA in PEFT can do beside, and Graft does not apply: each is named.
    [{ peft_type: 'ADALORA' }, 'PEFT_UNSUPPORTED', 'peft_type "ADALORA"'],
    [{ use_qalora: true }, 'PEFT_UNSUPPORTED', 'QALoRA'],
    [{ use_bdlora: { nblocks: 2 } }, 'PEFT_UNSUPPORTED', 'block-diagonal LoRA'],
    [{ layer_replication: [[0, 2]] }, 'PEFT_UNSUPPORTED', 'replicated layers'],
    [{ alora_invocation_tokens: [5, 6] }, 'PEFT_UNSUPPORTED', 'activated LoRA'],
    [{ arrow_config: { top_k: 2 } }, 'PEFT_UNSUPPORTED', 'Arrow routing'],
    [{ monteclora_config: {} }, 'PEFT_UNSUPPORTED', 'MonteCLoRA'],
    [{ kasa_config: {} }, 'PEFT_UNSUPPORTED', 'KaSA'],
    [{ target_parameters: ['experts.gate_up_proj'] }, 'PEFT_UNSUPPORTED', 'adapted bare parameters'],
    [{ target_parameters: ['q_proj.weight'], alpha_pattern: { q_proj: 3 } }, 'PEFT_UNSUPPORTED', 'ranks or alphas'],
    ...['pissa', 'pissa_niter_4', 'olora', 'corda', 'loftq', 'lora_ga'].map(
      (init): [Record<string, unknown>, string, string] => [
        { init_lora_weights: init },
        'PEFT_UNSUPPORTED',
        `initialised with ${init}`,
      ],
    ),
    [{ r: 3 }, 'PEFT_WEIGHTS', 'says rank 3'],
    [{ r: 'two' }, 'PEFT_CONFIG', 'field r is "two", but a number is needed'],
    [{ rank_pattern: { '(': 2 } }, 'PEFT_CONFIG', 'not a valid regular expression'],
  ])('refuses config %o', async (fields, code, text) => {
    const dir = patch(await writeSmall(), fields);
    expect(() => readPeftAdapter(dir)).toThrowError(fails(code, text));
  });

  it('refuses NaN, a missing half, unknown tensors, an empty file, missing files', async () => {
    const bad = pair(8, 8, 2);
    bad.B.data[5] = NaN;
    await expect(writeSmall([[Q, bad]])).rejects.toMatchObject({
      code: 'ADAPTER_NOT_FINITE',
      message: expect.stringContaining(`${Q}.lora_B.weight`),
    });
    const nan = await writeSmall();
    const entries = Object.entries(bad).map(([half, { shape, data }]) => ({
      name: `base_model.model.${Q}.lora_${half}.weight`,
      dtype: 'F32' as const,
      shape,
      data: () => castF32(data, 'F32'),
    }));
    await writeSafetensors(path.join(nan, 'adapter_model.safetensors'), entries);
    expect(() => readPeftAdapter(nan)).toThrowError(fails('PEFT_WEIGHTS', `${Q}.lora_B.weight holds NaN or Inf`));
    const dir = await writeSmall();
    const weights = path.join(dir, 'adapter_model.safetensors');
    const { shape, data } = pair(8, 8, 2).A;
    const rewrite = (...names: string[]): Promise<unknown> =>
      writeSafetensors(
        weights,
        names.map((name) => ({ name, dtype: 'F32', shape, data: () => castF32(data, 'F32') })),
      );
    await rewrite(`base_model.model.${Q}.lora_A.weight`);
    expect(() => readPeftAdapter(dir)).toThrowError(fails('PEFT_WEIGHTS', `${Q} has no lora_B.weight`));
    await rewrite('base_model.model.model.norm.weight');
    expect(() => readPeftAdapter(dir)).toThrowError(fails('PEFT_WEIGHTS', 'is not the lora_A or lora_B'));
    await rewrite();
    expect(() => readPeftAdapter(dir)).toThrowError(fails('PEFT_WEIGHTS', 'holds no lora_A'));
    fs.rmSync(weights);
    expect(() => readPeftAdapter(dir)).toThrowError(fails('PEFT_NOT_FOUND', 'neither adapter_model.safetensors'));
    expect(() => readPeftAdapter(temporaryFolder())).toThrowError(fails('PEFT_NOT_FOUND', 'no adapter_config.json'));
  });

  it('leaves nothing behind when the disk is full', async ({ skip }) => {
    const disk = mountDisk('size=64k');
    if (!disk) return skip(NO_DISK);
    const target = path.join(disk, 'adapter');
    await expect(
      writePeftAdapter(target, { config: CONFIG, modules: new Map([[Q, pair(10_000, 8, 2)]]) }),
    ).rejects.toMatchObject({ code: 'DISK_FULL', message: expect.stringContaining(target) });
    expect(fs.readdirSync(disk)).toEqual([]);
  });
});

describe('assertAdapterFitsBase', () => {
  it('accepts its base by hash, another adapter by shapes, and names both models when the hash differs', async () => {
    const base = openBaseModel(await writeTiny(path.join(temporaryFolder(), 'model')));
    try {
      assertAdapterFitsBase(readPeftAdapter(await writeSmall()), base);
      assertAdapterFitsBase(readPeftAdapter(await writeSmall(undefined, graftInfo(base.hash))), base);
      const other = readPeftAdapter(await writeSmall(undefined, graftInfo('0123456789abcdef')));
      expect(() => assertAdapterFitsBase(other, base)).toThrowError(
        fails('ADAPTER_WRONG_BASE', 'was trained on tiny (0123456789ab), not on model ('),
      );
      const unknown = readPeftAdapter(await writeSmall([['model.layers.7.self_attn.q_proj', pair(8, 8, 2)]]));
      expect(() => assertAdapterFitsBase(unknown, base)).toThrowError(
        fails('ADAPTER_NO_MODULE', 'model.layers.7.self_attn.q_proj'),
      );
      const wide = readPeftAdapter(await writeSmall([[Q, pair(8, 12, 2)]]));
      expect(() => assertAdapterFitsBase(wide, base)).toThrowError(
        fails('ADAPTER_SHAPE', `maps 8 to 12 features at ${Q}`),
      );
    } finally {
      base.close();
    }
  });
});
