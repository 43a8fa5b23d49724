/** A multimodal release: its text part is trained and merged, and everything else comes out as it went in. */
import fs from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { methodSchema } from '../../../src-shared/methods/registry.ts';
import { attachTrained, logitsOf } from '../../../test-support/cases/methodCases.ts';
import { expectClose } from '../../../test-support/checks/expectClose.ts';
import { temporaryFolder } from '../../../test-support/fixtures/folders.ts';
import { PROCESSOR_FILES, writeMultimodal, type Layout } from '../../../test-support/fixtures/multimodal.ts';
import { loadModel } from '../../../test-support/goldens/goldens.ts';
import { openBaseModel } from '../../basemodel/baseModel.ts';
import { loadAdapter } from '../../methods/adapterFolder.ts';
import { castF32 } from '../../safetensors/dtype.ts';
import { openSafetensors, readTensorBytes, readTensorF32 } from '../../safetensors/read.ts';
import { writeSafetensors } from '../../safetensors/write.ts';
import { exportGguf } from '../../gguf/exportGguf.ts';
import { tokenizerMetadata } from '../../gguf/tokenizer/toGguf.ts';
import { taskEdits } from '../../merging/merge.ts';
import { readAdapter } from '../../methods/fileRegistry.ts';
import { hashOf, tinyRun } from '../../../test-support/rigs/tinyRun.ts';
import { useBackend } from '../backend.ts';
import { CallControl } from '../control.ts';
import { certifyGguf } from '../export/certifyGguf.ts';
import { train } from '../train/train.ts';
import { evaluate } from './evaluate.ts';
import { heldOutPrompts } from './heldOutPrompts.ts';
import { mergeAndVerify } from './merge.ts';

beforeAll(async () => void (await useBackend('wasm')));

const LORA = methodSchema.parse({ type: 'lora', rank: 3, alpha: 12, targets: ['q', 'v', 'down'] });
const CONDITIONAL = 'base_model.model.model.language_model.layers';
/** What others call the layers: PEFT on older transformers, on the text part alone, on the class without a head. */
const OTHER_PATHS = {
  old: 'base_model.model.language_model.model.layers',
  text: 'base_model.model.model.layers',
  bare: 'base_model.model.language_model.layers',
};

async function release(layout: Layout): Promise<{ dir: string; textDir: string }> {
  const folder = temporaryFolder();
  const [dir, textDir] = [path.join(folder, 'release'), path.join(folder, 'text')];
  await writeMultimodal(dir, textDir, layout);
  return { dir, textDir };
}

/** Bytes of every tensor, by the name in its file. */
function bytesOf(dir: string): Map<string, Uint8Array> {
  const files = fs.readdirSync(dir).filter((name) => name.endsWith('.safetensors'));
  return new Map(
    files.flatMap((name) => {
      const file = openSafetensors(path.join(dir, name));
      const all = [...file.tensors].map(([tensor, info]): [string, Uint8Array] => [
        tensor,
        Uint8Array.from(readTensorBytes(info)),
      ]);
      file.close();
      return all;
    }),
  );
}

/** The adapter in `from` under other names, as another program would have saved it. */
async function renamedAdapter(from: string, layers: string): Promise<string> {
  const to = path.join(temporaryFolder(), 'adapter');
  fs.mkdirSync(to);
  const file = openSafetensors(path.join(from, 'adapter_model.safetensors'));
  await writeSafetensors(
    path.join(to, 'adapter_model.safetensors'),
    [...file.tensors].map(([name, info]) => {
      const data = castF32(readTensorF32(info), 'F32');
      return { name: name.replace(CONDITIONAL, layers), shape: info.shape, dtype: 'F32', data: () => data };
    }),
  );
  file.close();
  const config = JSON.parse(fs.readFileSync(path.join(from, 'adapter_config.json'), 'utf8')) as object;
  const short = { ...config, target_modules: ['q_proj', 'v_proj', 'down_proj'] };
  fs.writeFileSync(path.join(to, 'adapter_config.json'), JSON.stringify(short));
  return to;
}

describe.each<Layout>(['new', 'old'])('tensor names of the %s layout', (layout) => {
  it('is the model of its text part', async () => {
    const { dir, textDir } = await release(layout);
    const [whole, text] = [loadModel(dir), loadModel(textDir)];
    expectClose(await logitsOf(whole), await logitsOf(text), { rtol: 0, atol: 0 });
    whole.dispose();
    text.dispose();
    const base = openBaseModel(dir);
    expect(base.spec).toMatchObject({ family: 'gemma3_text', eosTokenIds: expect.any(Array) as unknown });
    expect(base.notes).toEqual([expect.stringMatching(/^This is a multimodal model: .*vision_tower/) as unknown]);
    base.close();
  });

  it('comes back from training and merging with its other parts as they were', async () => {
    const { dir } = await release(layout);
    const { base, model, method, outDir } = await attachTrained(dir, LORA);
    const want = await logitsOf(model);
    await method.save();
    const adapter = openSafetensors(path.join(outDir, 'adapter_model.safetensors'));
    expect([...adapter.tensors.keys()]).toContain(`${CONDITIONAL}.2.self_attn.q_proj.lora_A.weight`);
    adapter.close();
    const { target_modules } = JSON.parse(fs.readFileSync(path.join(outDir, 'adapter_config.json'), 'utf8')) as {
      target_modules: string[];
    };
    // Short names would be those of the vision tower's layers too.
    expect(target_modules).toHaveLength(9);
    expect(target_modules.every((name) => name.startsWith('model.language_model.layers.'))).toBe(true);
    for (const layers of Object.values(OTHER_PATHS)) {
      const loaded = loadAdapter(await renamedAdapter(outDir, layers), base);
      expectClose(await logitsOf(model.with(loaded)), want, { rtol: 1e-5, atol: 1e-5 }, layers);
      loaded.dispose();
    }
    model.dispose();
    base.close();

    const mergedDir = path.join(temporaryFolder(), 'merged');
    const params = { engine: 'wasm', modelDir: dir, adapterDir: outDir, outDir: mergedDir } as const;
    const { certificate } = await mergeAndVerify(params, () => undefined);
    expect(certificate.passed).toBe(true);
    const merged = loadModel(mergedDir);
    expectClose(await logitsOf(merged), want, { rtol: 1e-4, atol: 1e-4 });
    merged.dispose();
    const [before, after] = [bytesOf(dir), bytesOf(mergedDir)];
    expect([...after.keys()]).toEqual([...before.keys()]);
    const changed = [...before].flatMap(([name, bytes]) =>
      Buffer.compare(bytes, after.get(name)!) === 0 ? [] : [name],
    );
    expect(changed).toHaveLength(9);
    expect(changed.filter((name) => !/language_model.*(q_proj|v_proj|down_proj)\.weight$/.test(name))).toEqual([]);
    for (const name of ['config.json', ...PROCESSOR_FILES])
      expect(fs.readFileSync(path.join(mergedDir, name))).toEqual(fs.readFileSync(path.join(dir, name)));
  });

  it('learns from a run, and answers the same once that is merged, its vision tensors untouched', async () => {
    const { dir } = await release(layout);
    const run = await tinyRun({ method: { targets: ['q', 'v', 'down'] }, train: { steps: 12, lr: 3e-2 } });
    const spec = { ...run, model: { dir, hash: hashOf(dir) } };
    const { firstLoss, finalLoss } = await train(spec, false, () => undefined, new CallControl());
    expect(finalLoss).toBeLessThan(0.9 * firstLoss!);
    const mergedDir = path.join(temporaryFolder(), 'merged');
    const params = { engine: 'wasm', modelDir: dir, adapterDir: spec.outDir, outDir: mergedDir } as const;
    expect((await mergeAndVerify(params, () => undefined)).certificate.passed).toBe(true);
    const lossOf = async (modelDir: string, adapterDir?: string): Promise<number> =>
      (
        await evaluate(
          { engine: 'wasm', modelDir, ...(adapterDir ? { adapterDir } : {}), data: spec.data, batch: 4 },
          () => undefined,
        )
      ).loss;
    const [before, adapted, merged] = [await lossOf(dir), await lossOf(dir, spec.outDir), await lossOf(mergedDir)];
    expect(adapted).toBeLessThan(before - 0.1);
    expect(merged).toBeCloseTo(adapted, 4);
    const [was, is] = [bytesOf(dir), bytesOf(mergedDir)];
    const others = [...was.keys()].filter((name) => /vision_tower|projector/.test(name));
    expect(others.length).toBeGreaterThan(3);
    for (const name of others) expect(Buffer.compare(was.get(name)!, is.get(name)!), name).toBe(0);
  });

  it('becomes a GGUF of its text part, which llama.cpp runs as Graft does', async () => {
    const { dir } = await release(layout);
    const { base, model, method, outDir } = await attachTrained(dir, LORA);
    await method.save();
    model.dispose();
    const file = path.join(temporaryFolder(), 'model.gguf');
    const edit = taskEdits([{ adapter: readAdapter(outDir), scale: 1 }], base);
    const metadata = tokenizerMetadata(dir, base.config);
    await exportGguf({ base, edit, quantise: 'F32', tokenizerMetadata: metadata, outFile: file });
    const [prompt] = await heldOutPrompts(dir, base.spec, undefined);
    const tasks = [{ adapterDir: outDir, scale: 1 }];
    const { reading, run } = await certifyGguf({ file, base, tasks, prompts: [prompt!] });
    expect(reading.problems).toEqual([]);
    expect(run!.kl).toBeLessThan(1e-6);
    base.close();
  });

  it('says in config.json what type its weights are written in', async () => {
    const { dir } = await release(layout);
    const { model, base, method, outDir } = await attachTrained(dir, LORA);
    await method.save();
    model.dispose();
    base.close();
    const mergedDir = path.join(temporaryFolder(), 'merged');
    const params = { engine: 'wasm', modelDir: dir, adapterDir: outDir, outDir: mergedDir, dtype: 'bf16' } as const;
    const { certificate } = await mergeAndVerify(params, () => undefined);
    expect(certificate.passed).toBe(true);
    expect(JSON.parse(fs.readFileSync(path.join(mergedDir, 'config.json'), 'utf8'))).toMatchObject({
      torch_dtype: 'bfloat16',
    });
  });
});
