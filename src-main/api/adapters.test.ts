import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeGgufLora } from '../adapters/formats/ggufWrite.ts';
import { writeMlxAdapter } from '../adapters/formats/mlxWrite.ts';
import { GRAFT_FILE } from '../adapters/graftInfo.ts';
import { openBaseModel } from '../basemodel/baseModel.ts';
import { readPeftAdapter, type LoraPair } from '../methods/lora/peft.ts';
import { writeTiny } from '../../test-support/fixtures/folders.ts';
import { writeTorchFile } from '../../test-support/fixtures/torchFile.ts';
import { writeStarterAdapter } from '../../test-support/fixtures/adapterFolder.ts';
import { MODEL, openBench, type TestBench } from '../../test-support/rigs/services.ts';
import { errorDataOf } from './trpc.ts';
import type { AdapterView } from './types.ts';

let bench: TestBench;

beforeEach(() => {
  bench = openBench();
});
afterEach(() => bench.close());

const folder = (name: string, hidden = 96): Promise<string> =>
  writeStarterAdapter(path.join(bench.dir, name), { hidden });

async function imported(name: string, taskName = 'colours'): Promise<AdapterView> {
  await bench.api.models.add({ dir: MODEL, name: 'Starter' });
  return bench.api.adapters.import({ dir: await folder(name), taskName, name });
}

const failure = async (call: Promise<unknown>) =>
  call.then(
    () => expect.fail('it did not fail'),
    (error: unknown) => errorDataOf(error),
  );

describe('import', () => {
  it('copies a PEFT folder, reads its settings, and makes it the active one of a new task', async () => {
    const adapter = await imported('from-peft');
    expect(adapter).toMatchObject({
      taskName: 'colours',
      modelName: 'Starter',
      active: true,
      finalLoss: null,
      valLoss: null,
      runId: null,
      importedFrom: path.join(bench.dir, 'from-peft'),
      method: { type: 'lora', rank: 2, alpha: 4, targets: ['q'], layers: [0] },
    });
    expect(path.dirname(adapter.dir)).toBe(path.join(bench.home, 'adapters'));
    const weights = (dir: string) => fs.readFileSync(path.join(dir, 'adapter_model.safetensors'));
    expect(weights(adapter.dir)).toEqual(weights(adapter.importedFrom!));
    expect((await bench.api.adapters.details({ id: adapter.id })).lineage).toMatchObject({
      parameters: 2 * 2 * 96,
      run: null,
      dataset: null,
      files: [{ name: 'adapter_config.json' }, { name: 'adapter_model.safetensors' }],
    });
  });

  it('makes a PEFT adapter of one of mlx-lm and of a LoRA in GGUF, on the base that is chosen', async () => {
    await bench.api.models.add({ dir: MODEL, name: 'Starter' });
    const peft = await folder('from-peft');
    const base = openBaseModel(MODEL);
    const [mlx, gguf] = [path.join(bench.dir, 'mlx'), path.join(bench.dir, 'lora.gguf')];
    const source = { base, content: readPeftAdapter(peft).on(base), adapterDir: peft };
    await writeMlxAdapter({ ...source, outDir: mlx });
    await writeGgufLora({ ...source, outFile: gguf });
    base.close();
    for (const [dir, format, name] of [
      [mlx, 'mlx-lm', 'mlx'],
      [gguf, 'GGUF', 'lora'],
    ] as const) {
      const found = await bench.api.adapters.inspect({ dir });
      expect(found).toMatchObject({ format, name, task: null, bases: [{ name: 'Starter' }] });
      const adapter = await bench.api.adapters.import({ dir, taskName: 'colours', name });
      expect(adapter).toMatchObject({
        importedFrom: dir,
        notes: `Converted from ${format}: ${path.basename(dir)}`,
        method: { type: 'lora', rank: 2, alpha: 4, targets: ['q'], layers: [0] },
      });
      const stored = readPeftAdapter(adapter.dir);
      expect(stored.modules).toEqual(readPeftAdapter(peft).modules);
      expect({ sha256: adapter.sha256, sizeBytes: adapter.sizeBytes }).toEqual({
        sha256: stored.sha256,
        sizeBytes: stored.sizeBytes,
      });
    }
    fs.truncateSync(gguf, fs.statSync(gguf).size - 400);
    expect((await failure(bench.api.adapters.inspect({ dir: gguf }))).code).toBe('GGUF_TRUNCATED');
  });

  it('makes safetensors of adapter_model.bin, whichever of its files is chosen', async () => {
    await bench.api.models.add({ dir: MODEL, name: 'Starter' });
    const dir = await folder('from-peft');
    const { modules } = readPeftAdapter(dir);
    const weights = path.join(dir, 'adapter_model.safetensors');
    const tensors = [...modules].flatMap(([at, { A, B }]): [string, typeof A][] => [
      [`base_model.model.${at}.lora_A.weight`, A],
      [`base_model.model.${at}.lora_B.weight`, B],
    ]);
    fs.rmSync(weights);
    writeTorchFile(path.join(dir, 'adapter_model.bin'), tensors);
    fs.writeFileSync(path.join(dir, 'chat_template.jinja'), '{{ messages[0].content }}');
    for (const chosen of [dir, path.join(dir, 'adapter_model.bin')]) {
      expect(await bench.api.adapters.inspect({ dir: chosen })).toMatchObject({ dir, format: 'PyTorch' });
      const adapter = await bench.api.adapters.import({ dir: chosen, taskName: 'colours', name: 'bin' });
      expect(readPeftAdapter(adapter.dir).modules).toEqual(modules);
      const files = ['adapter_config.json', 'adapter_model.safetensors', 'chat_template.jinja'];
      expect(fs.readdirSync(adapter.dir).sort()).toEqual(files);
      expect(fs.readFileSync(path.join(adapter.dir, files[2]!), 'utf8')).toBe('{{ messages[0].content }}');
      expect((await bench.api.adapters.details({ id: adapter.id })).lineage.parameters).toBe(2 * 2 * 96);
    }
  });

  it("asks for the alpha of loralib's files, and takes them with it", async () => {
    await bench.api.models.add({ dir: MODEL, name: 'Starter' });
    const [[at, { A, B }]] = readPeftAdapter(await folder('from-peft')).modules as unknown as [[string, LoraPair]];
    const file = path.join(bench.dir, 'lora.pt');
    writeTorchFile(file, [
      [`${at}.lora_A`, A],
      [`${at}.lora_B`, B],
    ]);
    expect((await failure(bench.api.adapters.inspect({ dir: file }))).code).toBe('LORALIB_ALPHA');
    expect(await bench.api.adapters.inspect({ dir: file, alpha: 6 })).toMatchObject({
      format: 'loralib',
      name: 'lora',
    });
    const adapter = await bench.api.adapters.import({ dir: file, alpha: 6, taskName: 'colours', name: 'lora' });
    expect(adapter).toMatchObject({ method: { rank: 2, alpha: 6 }, notes: 'Converted from loralib: lora.pt' });
    expect(readPeftAdapter(adapter.dir).modules.get(at)).toEqual({ A, B });
  });

  it('says which tensor does not fit which base, and copies nothing', async () => {
    await bench.api.models.add({ dir: MODEL, name: 'Starter' });
    const dir = await folder('too-wide', 128);
    const error = await failure(bench.api.adapters.import({ dir, taskName: 'colours', name: 'x' }));
    expect(error.code).toBe('ADAPTER_BASE_MISSING');
    expect(error.message).toContain(
      `maps 128 to 128 features at model.layers.0.self_attn.q_proj, but the base model in ${MODEL} maps 96 to 96`,
    );
    expect(fs.readdirSync(path.join(bench.home, 'adapters'))).toEqual([]);
    expect(await bench.api.tasks.list()).toEqual([]);
  });

  it('of several models takes the one that fits, and names every reason when none does', async () => {
    await bench.api.models.add({ dir: await writeTiny(path.join(bench.dir, 'tiny')), name: 'Tiny' });
    const dir = await folder('from-peft');
    const lone = await failure(bench.api.adapters.inspect({ dir }));
    expect(lone.message).toMatch(/maps 96 to 96 features .* maps 8 to 8/);
    await bench.api.models.add({ dir: MODEL, name: 'Starter' });
    expect((await bench.api.adapters.inspect({ dir })).bases).toMatchObject([{ name: 'Starter' }]);
    const wide = await failure(bench.api.adapters.inspect({ dir: await folder('wide', 128) }));
    expect(wide.message).toMatch(/fits none of the 2 registered base models.*Tiny: .*128.*Starter: .*128/);
    for (const name of ['a', 'b'])
      await bench.api.models.add({ dir: await writeTiny(path.join(bench.dir, name)), name });
    const many = await failure(bench.api.adapters.inspect({ dir: wide.details!['adapter'] as string }));
    expect(many.message).toMatch(/fits none of the 4 .* The other 1 fit as little\.$/);
  });

  it('an adapter that names its base by hash is refused on every other, whatever the shapes', async () => {
    await bench.api.models.add({ dir: MODEL, name: 'Starter' });
    const dir = await folder('foreign');
    fs.writeFileSync(
      path.join(dir, GRAFT_FILE),
      JSON.stringify({
        format: 1,
        baseHash: 'f'.repeat(64),
        baseName: 'SmolLM',
        task: 'colours',
        runId: 'run-1',
        createdAt: '2026-01-01',
      }),
    );
    const error = await failure(bench.api.adapters.inspect({ dir }));
    expect(error).toMatchObject({ code: 'ADAPTER_BASE_MISSING' });
    expect(error.message).toMatch(
      /was trained on SmolLM \(ffffffffffff\), which is not among the registered base models; add the folder/,
    );
  });

  it('without any model, or from a folder that is no adapter, it says what is missing', async () => {
    expect((await failure(bench.api.adapters.inspect({ dir: await folder('a') }))).message).toMatch(
      /no base model is registered; add the folder/,
    );
    const empty = path.join(bench.dir, 'empty');
    fs.mkdirSync(empty);
    expect((await failure(bench.api.adapters.inspect({ dir: empty }))).message).toContain(
      `${empty} has no adapter_config.json`,
    );
  });
});

describe('the trash', () => {
  it('takes the folder away, and undo brings folder and active adapter back', async () => {
    const { id, dir, taskId } = await imported('a');
    await bench.api.adapters.trash({ ids: [id] });
    expect(fs.existsSync(dir)).toBe(false);
    expect(await bench.api.adapters.list({})).toEqual([]);
    expect(await bench.api.tasks.list()).toMatchObject([{ id: taskId, adapters: 0, activeAdapterId: null }]);
    expect((await failure(bench.api.playground.attach({ adapterId: id }))).code).toBe('ADAPTER_NOT_FOUND');
    const [trashed] = await bench.api.adapters.listTrash();
    expect(trashed).toMatchObject({
      id,
      taskName: 'colours',
      wasActive: true,
      dir: path.join(bench.home, 'trash', id),
    });
    expect(fs.existsSync(path.join(trashed!.dir, 'adapter_model.safetensors'))).toBe(true);

    await bench.api.adapters.restore({ ids: [id] });
    expect(await bench.api.adapters.list({})).toMatchObject([{ id, dir, active: true }]);
    expect(fs.existsSync(path.join(dir, 'adapter_model.safetensors'))).toBe(true);
    expect(await bench.api.adapters.listTrash()).toEqual([]);
  });

  it('a restored adapter leaves the one that has become active since', async () => {
    const first = await imported('a');
    const second = await imported('b');
    await bench.api.adapters.trash({ ids: [first.id] });
    await bench.api.tasks.switch({ taskId: first.taskId, adapterId: second.id });
    await bench.api.adapters.restore({ ids: [first.id] });
    expect(await bench.api.tasks.list()).toMatchObject([{ activeAdapterId: second.id, adapters: 2 }]);
  });

  it('deleted for good, neither folder nor row is left', async () => {
    const { id } = await imported('a');
    expect((await failure(bench.api.adapters.purge({ ids: [id] }))).code).toBe('NOT_IN_TRASH');
    await bench.api.adapters.trash({ ids: [id] });
    await bench.api.adapters.purge({ ids: [id] });
    expect(fs.readdirSync(path.join(bench.home, 'trash'))).toEqual([]);
    expect((await failure(bench.api.adapters.restore({ ids: [id] }))).code).toBe('NOT_IN_TRASH');
  });

  it('a task whose adapters lie in the trash can be deleted, and comes back with them', async () => {
    const { id, taskId } = await imported('a');
    expect((await failure(bench.api.tasks.remove({ id: taskId }))).message).toBe(
      'The task "colours" still has an adapter; move it to the trash or to another task first.',
    );
    await bench.api.adapters.trash({ ids: [id] });
    await bench.api.tasks.remove({ id: taskId });
    expect(await bench.api.tasks.list()).toEqual([]);
    await bench.api.adapters.restore({ ids: [id] });
    expect(await bench.api.tasks.list()).toMatchObject([
      { id: taskId, name: 'colours', adapters: 1, activeAdapterId: id },
    ]);
  });

  it('where another task has taken the name, the adapter goes there', async () => {
    const { id, taskId } = await imported('a');
    await bench.api.adapters.trash({ ids: [id] });
    await bench.api.tasks.remove({ id: taskId });
    const heir = await bench.api.tasks.create({ name: 'colours' });
    await bench.api.adapters.restore({ ids: [id] });
    expect(await bench.api.adapters.list({})).toMatchObject([{ id, taskId: heir.id }]);
    await bench.api.adapters.trash({ ids: [id] });
    await bench.api.tasks.remove({ id: heir.id });
    await bench.api.adapters.purge({ ids: [id] });
    expect(bench.services.catalog.db.prepare('SELECT count(*) AS n FROM tasks').get()).toEqual({ n: 0 });
  });

  it('cleaned up with the rest of the data folder, no row is left either', async () => {
    const { id, taskId } = await imported('a');
    await bench.api.adapters.trash({ ids: [id] });
    await bench.api.tasks.remove({ id: taskId });
    expect((await bench.services.storage.cleanUp('trash')).items).toBe(1);
    expect(await bench.api.adapters.listTrash()).toEqual([]);
    expect(
      bench.services.catalog.db
        .prepare('SELECT (SELECT count(*) FROM tasks) + (SELECT count(*) FROM adapters) AS n')
        .get(),
    ).toEqual({ n: 0 });
  });

  it('a crash between the rename and the row is mended at the next start', async () => {
    const { id, dir } = await imported('a');
    fs.renameSync(dir, path.join(bench.home, 'trash', id));
    await bench.reopen();
    expect(fs.existsSync(path.join(dir, 'adapter_model.safetensors'))).toBe(true);
    expect(fs.readdirSync(path.join(bench.home, 'trash'))).toEqual([]);
  });
});

describe('changes', () => {
  it('keeps notes, tags and name, and nothing that was not given', async () => {
    const { id } = await imported('a');
    await bench.api.adapters.update({ id, notes: 'the good one', tags: ['paper', 'paper', 'v2'] });
    await bench.api.adapters.update({ id, name: 'renamed' });
    await bench.reopen();
    expect(await bench.api.adapters.get({ id })).toMatchObject({
      name: 'renamed',
      notes: 'the good one',
      tags: ['paper', 'v2'],
      active: true,
    });
  });

  it('an adapter that moves to another task is not active in the old one any more', async () => {
    const { id, taskId } = await imported('a');
    const other = await bench.api.tasks.create({ name: 'shapes' });
    await bench.api.adapters.update({ id, taskId: other.id });
    expect(await bench.api.adapters.get({ id })).toMatchObject({ taskName: 'shapes', active: false });
    expect((await bench.api.tasks.list()).find((task) => task.id === taskId)).toMatchObject({
      activeAdapterId: null,
      adapters: 0,
    });
    expect((await failure(bench.api.adapters.update({ id, taskId: 'task-0' }))).code).toBe('TASK_NOT_FOUND');
  });

  it('a task takes no name that another has', async () => {
    const { taskId } = await imported('a');
    const other = await bench.api.tasks.create({ name: 'shapes' });
    expect((await failure(bench.api.tasks.rename({ id: other.id, name: 'colours' }))).code).toBe('TASK_EXISTS');
    expect(await bench.api.tasks.rename({ id: taskId, name: 'hues' })).toMatchObject({ name: 'hues' });
  });
});

it('the board shows tasks with their adapters, newest first, and what there is', async () => {
  const first = await imported('a');
  const second = await imported('b');
  expect(await bench.api.home.board()).toMatchObject({
    tasks: [
      {
        name: 'colours',
        list: [
          { id: second.id, active: false, losses: [] },
          { id: first.id, active: true },
        ],
      },
    ],
    runs: [],
    exports: [],
    counts: { models: 1, datasets: 0, runs: 0, adapters: 2 },
  });
});
