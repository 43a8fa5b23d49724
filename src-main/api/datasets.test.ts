import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fileSha256 } from '../files/sha256.ts';
import { prepareDataset } from '../datasets/dataset.ts';
import { renderExample } from '../datasets/render.ts';
import { loadTokenizer } from '../datasets/tokenizer.ts';
import { buildSpec, findParts, startRunSchema } from '../app/runs/input.ts';
import { MODEL, openBench, writeRows, type TestBench } from '../../test-support/rigs/services.ts';

let bench: TestBench;
let file: string;
let id: string;

beforeEach(async () => {
  bench = openBench();
  file = writeRows(path.join(bench.dir, 'rows.jsonl'), 10, ['{"prompt": "cut', '{"prompt": "no answer"}']);
  ({ id } = await bench.api.datasets.add({ file, allowBadRows: true }));
});
afterEach(() => bench.close());

const edit = {
  changed: [{ index: 0, values: { prompt: 'changed', completion: ' row' } }],
  removed: [[1, 3] as [number, number]],
  added: [],
};

describe('versions', () => {
  it("edits become a file of their own with its hash; the user's file is left alone", async () => {
    const before = fileSha256(file);
    const saved = await bench.api.datasets.saveVersion({ id, edits: edit });
    expect(saved).toMatchObject({
      id,
      version: 2,
      source: file,
      file: path.join(bench.home, 'datasets', id, 'v2.jsonl'),
      rows: 8,
      badRows: 1,
      format: 'jsonl',
      hash: fileSha256(saved.file),
    });
    expect(fileSha256(file)).toBe(before);
    const versions = await bench.api.datasets.versions({ id });
    expect(versions.map(({ number, own, state, change }) => ({ number, own, state, change }))).toEqual([
      { number: 2, own: true, state: 'same', change: '1 row edited, 2 rows deleted, from version 1' },
      { number: 1, own: false, state: 'same', change: 'As it was added' },
    ]);
    expect((await bench.api.datasets.rows({ id, version: 1, count: 1 })).rows[0]!.cells[0]).not.toBe('changed');
    expect((await bench.api.datasets.rows({ id, count: 1 })).rows[0]!.cells[0]).toBe('changed');
  });

  it('a run names the exact version: the current one, or the one that was asked for', async () => {
    const saved = await bench.api.datasets.saveVersion({ id, edits: edit });
    const model = await bench.api.models.add({ dir: MODEL });
    const specOf = (datasetVersion?: number) => {
      const input = startRunSchema.parse({
        modelId: model.id,
        datasetId: id,
        datasetVersion,
        taskName: 't',
        method: { type: 'lora' },
        train: {},
      });
      return buildSpec(bench.services.home, input, findParts(bench.services, input));
    };
    expect(specOf().data).toMatchObject({ file: saved.file, hash: saved.hash, format: 'jsonl' });
    expect(specOf(1).data).toMatchObject({ file, hash: fileSha256(file) });
    expect(() => specOf(7)).toThrow(/has no version 7/);
    await bench.api.datasets.useVersion({ id, version: 1 });
    expect(specOf().data.file).toBe(file);
  });

  it('a changed file is noticed, taken in as a new version, and the old one is no longer offered', async () => {
    writeRows(file, 11);
    const [before] = await bench.api.datasets.versions({ id });
    expect(before!.state).toBe('changed');
    expect(await bench.api.datasets.takeChanged({ id })).toMatchObject({ version: 2, file, rows: 11, badRows: 0 });
    expect((await bench.api.datasets.versions({ id })).map(({ state }) => state)).toEqual(['same', 'changed']);
    await expect(bench.api.datasets.useVersion({ id, version: 1 })).rejects.toThrow(/has changed since/);
  });

  it('a touched file with the same content is the same version', async () => {
    fs.utimesSync(file, new Date(), new Date(Date.now() + 5000));
    expect((await bench.api.datasets.versions({ id }))[0]!.state).toBe('same');
  });

  it('a file that has moved is found again; another content becomes a new version', async () => {
    const elsewhere = path.join(bench.dir, 'elsewhere.jsonl');
    fs.renameSync(file, elsewhere);
    expect((await bench.api.datasets.versions({ id }))[0]!.state).toBe('missing');
    expect(await bench.api.datasets.relocate({ id, file: elsewhere })).toMatchObject({
      version: 1,
      file: elsewhere,
      source: elsewhere,
    });
    const other = writeRows(path.join(bench.dir, 'other.jsonl'), 4);
    expect(await bench.api.datasets.relocate({ id, file: other })).toMatchObject({ version: 2, file: other, rows: 4 });
  });

  it('ranges of rows that are none are refused, and nothing is written', async () => {
    for (const removed of [[[3, 1]], [[0]], [[-1, 2]], [[0.5, 2]], 'all']) {
      await expect(
        bench.api.datasets.saveVersion({ id, edits: { removed: removed as [number, number][] } }),
      ).rejects.toThrow(/no ranges of row numbers/);
    }
    expect(fs.existsSync(path.join(bench.home, 'datasets', id))).toBe(false);
  });

  it('no version is left where no row could be used', async () => {
    await expect(bench.api.datasets.saveVersion({ id, edits: { removed: [[0, 10]] } })).rejects.toThrow(
      /no row of rows\.jsonl could be used/,
    );
    expect(fs.readdirSync(path.join(bench.home, 'datasets', id))).toEqual([]);
    expect(await bench.api.datasets.versions({ id })).toHaveLength(1);
  });

  it('leave out repeated and bad rows', async () => {
    const twice = await bench.api.datasets.add({
      file: writeRows(path.join(bench.dir, 'twice.jsonl'), 61),
      allowBadRows: true,
    });
    expect(await bench.api.datasets.duplicates({ id: twice.id })).toMatchObject({
      groups: 1,
      repeated: 1,
      shown: [{ lines: [1, 61] }],
    });
    expect(await bench.api.datasets.withoutDuplicates({ id: twice.id })).toMatchObject({ version: 2, rows: 60 });
    await expect(bench.api.datasets.withoutDuplicates({ id: twice.id })).rejects.toThrow(/no row twice/);
    expect(await bench.api.datasets.withoutBadRows({ id })).toMatchObject({ version: 2, rows: 10, badRows: 0 });
  });

  it('removing can be undone, with the versions', async () => {
    const { file: version } = await bench.api.datasets.saveVersion({ id, edits: edit });
    await bench.api.datasets.remove({ id });
    expect(await bench.api.datasets.list()).toEqual([]);
    expect([fs.existsSync(version), fs.existsSync(file)]).toEqual([false, true]);
    expect(await bench.api.datasets.bringBack({ id })).toMatchObject({ id, version: 2 });
    expect((await bench.api.datasets.rows({ id })).total).toBe(9);
  });
});

describe('a dropped file', () => {
  let upload: string;
  let dropped: string;
  beforeEach(async () => {
    upload = path.join(bench.home, 'datasets', 'uploads', '0123456789', 'dropped.jsonl');
    fs.mkdirSync(path.dirname(upload), { recursive: true });
    writeRows(upload, 8);
    ({ id: dropped } = await bench.api.datasets.add({ file: upload }));
  });
  const uploads = () => fs.readdirSync(path.join(bench.home, 'datasets', 'uploads'), { recursive: true });

  it('goes with its dataset and comes back with it, versions or not', async () => {
    const before = fileSha256(upload);
    await bench.api.datasets.remove({ id: dropped });
    expect(uploads()).toEqual([]);
    expect(await bench.api.datasets.bringBack({ id: dropped })).toMatchObject({ file: upload });
    expect(fileSha256(upload)).toBe(before);
    expect(fs.readdirSync(path.join(bench.home, 'trash'))).toEqual([]);
    const { file: version } = await bench.api.datasets.saveVersion({ id: dropped, edits: edit });
    await bench.api.datasets.remove({ id: dropped });
    expect(uploads()).toEqual([]);
    await bench.api.datasets.bringBack({ id: dropped });
    expect((await bench.api.datasets.versions({ id: dropped })).map(({ file, state }) => [file, state])).toEqual([
      [version, 'same'],
      [upload, 'same'],
    ]);
  });

  it('is freed by emptying the trash', async () => {
    await bench.api.datasets.remove({ id: dropped });
    await bench.api.system.cleanUp({ kind: 'trash' });
    expect(fs.readdirSync(path.join(bench.home, 'trash'))).toEqual([]);
    expect(await bench.api.datasets.bringBack({ id: dropped })).toMatchObject({ file: upload });
    expect((await bench.api.datasets.versions({ id: dropped }))[0]!.state).toBe('missing');
  });

  it('stays while another dataset reads it, and goes with the last', async () => {
    const other = await bench.api.datasets.add({ file: upload, map: { text: 'prompt' } });
    expect(other.id).not.toBe(dropped);
    await bench.api.datasets.remove({ id: dropped });
    expect(fs.existsSync(upload)).toBe(true);
    await bench.api.datasets.remove({ id: other.id });
    expect(uploads()).toEqual([]);
  });

  it('stays while a run names it', async () => {
    const model = await bench.api.models.add({ dir: MODEL });
    const input = startRunSchema.parse({
      modelId: model.id,
      datasetId: dropped,
      taskName: 't',
      method: { type: 'lora' },
      train: {},
    });
    const spec = buildSpec(bench.services.home, input, findParts(bench.services, input));
    bench.services.catalog.db
      .prepare(
        `INSERT INTO runs (id, name, status, spec, created_at) VALUES ('run-1', 'r', 'completed', ?, '2026-01-01')`,
      )
      .run(JSON.stringify(spec));
    await bench.api.datasets.remove({ id: dropped });
    expect(fs.existsSync(upload)).toBe(true);
  });

  it("that is the user's own is never touched, wherever it lies", async () => {
    const own = path.join(bench.home, 'datasets', 'uploads', 'mine', 'own.jsonl');
    const beside = path.join(path.dirname(upload), 'beside.txt');
    fs.mkdirSync(path.dirname(own));
    writeRows(own, 5);
    fs.writeFileSync(beside, 'a note');
    const { id: ownId } = await bench.api.datasets.add({ file: own });
    for (const one of [ownId, dropped, id]) await bench.api.datasets.remove({ id: one });
    expect([own, beside, file].map((one) => fs.existsSync(one))).toEqual([true, true, true]);
    expect(fs.existsSync(upload)).toBe(false);
  });
});

describe('tokens, from a worker process', () => {
  const settings = { lossOn: 'completion', maxLength: 20 } as const;
  let modelId: string;
  beforeEach(async () => void ({ id: modelId } = await bench.api.models.add({ dir: MODEL })));

  it('of rows are those that the trainer would see', async () => {
    const { examples } = await prepareDataset({ file, tokenizer: loadTokenizer(MODEL), ...settings });
    const { total, rows } = await bench.api.datasets.preview({ id, modelId, ...settings, offset: 2, count: 3 });
    expect([total, examples.length, examples.some(({ truncated }) => truncated)]).toEqual([10, 10, true]);
    const kept = rows.map((row) =>
      'tokens' in row ? row.tokens.filter(({ truncated }) => !truncated).map((token) => token.id) : [],
    );
    expect(kept).toEqual(examples.slice(2, 5).map(({ ids }) => [...ids]));
    expect(rows.map((row) => 'labelled' in row && row.labelled)).toEqual(
      examples.slice(2, 5).map(({ labelled }) => labelled),
    );

    // And are cut where the model sees no more: at the starter's max_position_embeddings.
    const long = path.join(bench.dir, 'long.jsonl');
    fs.writeFileSync(long, JSON.stringify({ prompt: 'a', completion: ' dog'.repeat(400) }));
    const cut = await bench.api.datasets.preview({ file: long, modelId, lossOn: 'all', maxLength: 100_000 });
    const left = cut.rows.map((row) => 'tokens' in row && row.tokens.filter(({ truncated }) => !truncated).length);
    expect([cut.maxLength, left]).toEqual([256, [256]]);
  });

  it('are counted for every good row of CSV as of JSONL', async () => {
    const csv = path.join(bench.dir, 'rows.csv');
    const texts = Array.from({ length: 40 }, (_, i) => 'a dog '.repeat(1 + (i % 7)));
    fs.writeFileSync(csv, ['frage,x', ...texts.map((text) => `${text},1`), 'cut'].join('\n'));
    const counted = [];
    for await (const counts of await bench.api.datasets.lengths({
      file: csv,
      map: { text: 'frage' },
      modelId,
      lossOn: 'all',
    }))
      counted.push(counts);
    const tokenizer = loadTokenizer(MODEL);
    const wanted = new Map<number, number>();
    for (const text of texts) {
      const { fullLength } = renderExample({ line: 1, segments: [{ text, loss: true }] }, tokenizer, {
        lossOn: 'all',
        maxLength: Infinity,
      }) as { fullLength: number };
      wanted.set(fullLength, (wanted.get(fullLength) ?? 0) + 1);
    }
    expect(counted.at(-1)).toMatchObject({
      unit: 'tokens',
      done: 40,
      total: 40,
      lengths: [...wanted].sort((a, b) => a[0] - b[0]),
    });
  });

  it('are counted no longer when nobody listens', async () => {
    const counting = bench.services.tokens.count(
      {
        modelDir: MODEL,
        file,
        format: null,
        plan: { kind: 'completion', columns: { prompt: 'prompt', completion: 'completion' } },
        total: 10,
        lossOn: 'all',
      },
      () => undefined,
    );
    counting.stop();
    await expect(counting.ended).rejects.toMatchObject({ code: 'WORKER_CRASHED' });
  });

  it('of a model without a tokenizer are a clear error', async () => {
    const dir = path.join(bench.dir, 'bare');
    fs.cpSync(MODEL, dir, { recursive: true });
    const bare = await bench.api.models.add({ dir, name: 'bare' });
    fs.rmSync(path.join(dir, 'tokenizer.json'));
    await expect(bench.api.datasets.preview({ id, modelId: bare.id, ...settings })).rejects.toThrow(/tokenizer\.json/);
    const counting = await bench.api.datasets.lengths({ id, modelId: bare.id, lossOn: 'all' });
    await expect(counting[Symbol.asyncIterator]().next()).rejects.toThrow(/tokenizer\.json/);
  });
});

describe('looking', () => {
  it('tells good, bad and repeated rows; the bad ones with line and reason, as CSV too', async () => {
    expect(await bench.api.datasets.look({ id })).toMatchObject({
      format: 'jsonl',
      kind: 'completion',
      parsed: 11,
      rows: 10,
      bad: 2,
      repeated: 0,
      problem: null,
      hash: fileSha256(file),
    });
    const bad = await bench.api.datasets.badRows({ id });
    expect(bad.rows.map(({ line }) => line)).toEqual([11, 12]);
    const csv = await bench.api.datasets.badRowsCsv({ id });
    expect(csv).toMatch(/^line,reason\r\n11,"not valid JSON: .*"\r\n12,"""completion"" is missing"\r\n$/);
  });

  it('odd column names are a problem to solve, not an error; a mapping solves it', async () => {
    const odd = path.join(bench.dir, 'odd.csv');
    fs.writeFileSync(odd, 'frage,antwort\nWer?,Ich\nWas?,Das\n');
    const look = await bench.api.datasets.look({ file: odd });
    expect(look).toMatchObject({ kind: null, columns: ['frage', 'antwort'], rows: 0, parsed: 2 });
    expect(look.problem).toMatch(/frage, antwort/);
    const map = { prompt: 'frage', completion: 'antwort' };
    expect(await bench.api.datasets.look({ file: odd, map })).toMatchObject({
      kind: 'completion',
      fields: map,
      rows: 2,
      preview: [{ prompt: 'Wer?', completion: 'Ich' }, {}],
    });
    const added = await bench.api.datasets.add({ file: odd, map });
    await expect(bench.api.datasets.setMap({ id: added.id, map: { text: 'nothing' } })).rejects.toThrow(
      /no column "nothing"/,
    );
    expect(await bench.api.datasets.setMap({ id: added.id, map: { text: 'antwort' } })).toMatchObject({
      map: { text: 'antwort' },
      version: 1,
    });
  });

  it('rows by filter; one row whole; whether edited values could be used', async () => {
    const lily = await bench.api.datasets.rows({ id, filter: 'lily' });
    expect(lily).toMatchObject({ total: 3, content: { hash: fileSha256(file), rows: 11 } });
    expect(lily.rows.map(({ index }) => index)).toEqual([0, 4, 8]);
    expect(await bench.api.datasets.matching({ id, filter: 'lily' })).toEqual({
      ranges: [
        [0, 1],
        [4, 5],
        [8, 9],
      ],
    });
    expect((await bench.api.datasets.row({ id, index: 4 })).values).toEqual({
      prompt: 'One day, Lily saw a',
      completion: ' blue car.',
    });
    expect(await bench.api.datasets.checkRow({ id, values: { prompt: 'x' } })).toEqual({
      reason: '"completion" is missing',
    });
    expect(await bench.api.datasets.checkRow({ id, values: { prompt: 'x', completion: 'y' } })).toEqual({
      reason: null,
    });
  });
});
