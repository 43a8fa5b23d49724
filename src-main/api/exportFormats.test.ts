/** Each format once from one trained adapter, and a model as it is: planned as written, and llama.cpp runs it. */
import fs from 'node:fs';
import path from 'node:path';
import { getLlama, LlamaCompletion } from 'node-llama-cpp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ExportEvent } from '../app/exports/service.ts';
import { MODEL, openBench, smallRun, type TestBench } from '../../test-support/rigs/services.ts';
import { filesBelow } from '../../test-support/rigs/tinyRun.ts';
import type { ExportRecord } from '../catalog/exports.ts';
import type { WrittenGguf } from '../../src-shared/exports.ts';
import type { AdapterView } from './types.ts';

let bench: TestBench;
let adapter: AdapterView;

beforeAll(async () => {
  bench = openBench();
  const { id } = await bench.api.runs.start(await smallRun(bench, { steps: 8 }, MODEL));
  await bench.services.runs.finished(id);
  [adapter] = (await bench.api.adapters.list()) as [AdapterView];
});
afterAll(() => bench.close());

type Request = Parameters<TestBench['api']['exports']['start']>[0];
type Asked = Omit<Request, 'adapterId' | 'adapters' | 'modelId' | 'outDir'>;

function exported(name: string, asked: Asked, scale = 1): Promise<ExportRecord> {
  return exportedAs({ ...asked, adapters: [{ adapterId: adapter.id, scale }], outDir: path.join(bench.dir, name) });
}

/** The record, once what was written is compared with what was planned. */
async function exportedAs(request: Request): Promise<ExportRecord> {
  const { outDir } = request;
  const plan = await bench.api.exports.plan(request);
  expect(plan.problem).toBeNull();
  const { id } = await bench.api.exports.start(request);
  const record = await bench.services.exports.finished(id);
  expect(record.error).toBeNull();
  const dir = fs.statSync(outDir).isFile() ? path.dirname(outDir) : outDir;
  const written = dir === outDir ? filesBelow(dir).sort() : record.result!.files;
  expect(record.result!.files).toEqual(written);
  expect(plan.files.map((file) => file.name).sort()).toEqual(written);
  for (const file of plan.files.filter((one) => one.name.endsWith('.gguf')))
    expect(fs.statSync(path.join(dir, file.name)).size).toBe(file.sizeBytes);
  expect(Math.abs(plan.totalBytes - record.result!.sizeBytes)).toBeLessThan(4000);
  return record;
}

/** Magic, version and the number of tensors, as the format's own document places them. */
function header(file: string): unknown[] {
  const bytes = fs.readFileSync(file);
  return [bytes.toString('latin1', 0, 4), bytes.readUInt32LE(4), Number(bytes.readBigUInt64LE(8))];
}

/** What llama.cpp itself goes on with. */
async function continuedBy(file: string, prompt: string): Promise<string> {
  const llama = await getLlama({ gpu: false, build: 'never' });
  const model = await llama.loadModel({ modelPath: file });
  const context = await model.createContext({ contextSize: 128, threads: 1 });
  const completion = new LlamaCompletion({ contextSequence: context.getSequence() });
  const text = await completion.generateCompletion(prompt, { maxTokens: 8, temperature: 0 });
  await model.dispose();
  return text;
}

it('GGUF files in a folder, each certified, and one by itself', async () => {
  const { result } = await exported('packed', { format: 'gguf', quantise: ['F16', 'Q8_0'] });
  expect(result!.files).toEqual(['README.md', 'packed-F16.gguf', 'packed-Q8_0.gguf', 'parity.json']);
  expect(result!.ggufs).toMatchObject([
    { quantise: 'F16', certificate: { passed: true } },
    { quantise: 'Q8_0', certificate: { passed: true, run: { prompts: expect.any(Number) as number } } },
  ]);
  // Rounding to float16 turns a tie of two tokens around now and then.
  expect(result!.ggufs![0]!.certificate.run!.equalGreedyShare).toBeGreaterThan(0.97);
  const alone = await exported('alone.gguf', { format: 'gguf', quantise: ['F16'] });
  expect(header(alone.outDir)).toEqual(['GGUF', 3, 38]);
  expect(JSON.parse(fs.readFileSync(path.join(bench.dir, 'alone.parity.json'), 'utf8'))).toMatchObject({
    passed: true,
    ggufs: [{ file: 'alone.gguf', quantise: 'F16' }],
  });
  const prompt = 'One day, Lily saw a';
  await bench.api.playground.load({ modelId: adapter.modelId!, engine: 'tensorflow' });
  await bench.services.playground.attachDir(adapter.dir);
  const asked = { prompt, maxNew: 8, temperature: 0, seed: 0 };
  const ours = await bench.services.playground.generate(asked, () => undefined).promise;
  bench.services.playground.unload();
  expect(await continuedBy(alone.outDir, prompt)).toBe(ours.text);
});

it('for Ollama with a Modelfile, for LM Studio, and the adapter alone', async () => {
  const { result, outDir } = await exported('chatty', { format: 'ollama' });
  expect(result!.files).toEqual(['Modelfile', 'README.md', 'chatty-Q8_0.gguf', 'parity.json']);
  expect(fs.readFileSync(path.join(outDir, 'Modelfile'), 'utf8')).toContain('FROM ./chatty-Q8_0.gguf\n');
  const half = await exported('studio', { format: 'lmstudio', quantise: ['F32'] }, 0.5);
  const [{ certificate }] = half.result!.ggufs! as [WrittenGguf];
  expect(certificate.run!.kl).toBeLessThan(1e-5);
  expect(certificate.reading!.updateShare).toBeCloseTo(1, 3);
  const lora = await exported('lora.gguf', { format: 'lora-gguf' });
  expect(lora.result!.files).toEqual(['lora.gguf']);
  expect(header(lora.outDir)).toEqual(['GGUF', 3, 2 * 8]);
  const mlx = await exported('mlx', { format: 'mlx' });
  expect(mlx.result!.files).toEqual(['README.md', 'adapter_config.json', 'adapters.safetensors']);
});

it('a model that was fine-tuned whole, as it is', async () => {
  const spec = await smallRun(bench, { steps: 8 }, MODEL);
  const { id } = await bench.api.runs.start({ ...spec, method: { type: 'full' } });
  await bench.services.runs.finished(id);
  const model = (await bench.api.models.list()).find(({ runId }) => runId === id)!;
  const request = { modelId: model.id, format: 'ollama' as const, quantise: ['F16' as const] };
  const { result, outDir, ...record } = await exportedAs({ ...request, outDir: path.join(bench.dir, 'tuned') });
  expect(record).toMatchObject({ adapterId: null, adapterDir: '', tasks: [], modelDir: model.dir });
  const [{ file, certificate }] = result!.ggufs! as [WrittenGguf];
  expect(certificate).toMatchObject({ passed: true, reading: { updateShare: null }, run: { equalGreedyShare: 1 } });
  expect(fs.readFileSync(path.join(outDir, 'Modelfile'), 'utf8')).toContain('TEMPLATE """{{ .Prompt }}"""');
  const card = fs.readFileSync(path.join(outDir, 'README.md'), 'utf8');
  const base = (await bench.api.models.list()).find(({ dir }) => dir === MODEL)!;
  for (const words of ['| Method | Full fine-tuning |', base.hash, 'rows.jsonl', 'against the model itself'])
    expect(card).toContain(words);

  const prompt = 'One day, Tom saw a';
  await bench.api.playground.load({ modelId: model.id, engine: 'tensorflow' });
  const asked = { prompt, maxNew: 8, temperature: 0, seed: 0 };
  const ours = await bench.services.playground.generate(asked, () => undefined).promise;
  bench.services.playground.unload();
  expect(ours.text).not.toBe('');
  expect(await continuedBy(path.join(outDir, file), prompt)).toBe(ours.text);

  const { problem } = await bench.api.exports.plan({ modelId: model.id, format: 'mlx', outDir: `${outDir}-mlx` });
  expect(problem).toMatchObject({ code: 'NO_ADAPTER', kind: 'usage' });
});

it('a cancelled one leaves nothing, and neither does one that another file stands in the way of', async () => {
  const before = filesBelow(bench.dir).filter((file) => !/graft\.db/.test(file));
  const request = { adapterId: adapter.id, format: 'gguf' as const, outDir: path.join(bench.dir, 'on/the/way.gguf') };
  const { id } = await bench.api.exports.start(request);
  await new Promise<void>((resolve) => {
    const stop = bench.services.exports.subscribe(id, (event: ExportEvent) => {
      if (event.type !== 'progress' || event.phase !== 'verify') return;
      stop();
      resolve();
    });
  });
  expect(await bench.api.exports.cancel({ id })).toMatchObject({ error: { code: 'EXPORT_CANCELLED' } });
  const taken = { ...request, outDir: path.join(bench.dir, 'taken.gguf') };
  fs.writeFileSync(path.join(bench.dir, 'taken.parity.json'), 'mine');
  await expect(bench.api.exports.start(taken)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
  fs.rmSync(path.join(bench.dir, 'taken.parity.json'));
  expect(filesBelow(bench.dir).filter((file) => !/graft\.db/.test(file))).toEqual(before);
});
