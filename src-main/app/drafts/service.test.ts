/** Drafts with a made-up model that can be held up, told wrong things and ended; and once with the starter model. */
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GraftError } from '../../../src-shared/errors.ts';
import { draftCounts, type DraftSet } from '../../../src-shared/drafts.ts';
import { MODEL, openBench, type TestBench } from '../../../test-support/rigs/services.ts';
import type { AskedModel } from './askModel.ts';
import { startDraftsSchema } from './inputs.ts';
import { DraftService } from './service.ts';

let bench: TestBench;
let datasetId: string;
let modelId: string;
beforeEach(async () => {
  bench = openBench();
  modelId = (await bench.api.models.add({ dir: MODEL })).id;
  const file = path.join(bench.dir, 'texts.jsonl');
  const rows = ['One.', 'Two.', 'Three.'].map((text, i) => ({ text, source: 'a.pdf', page: i + 1, heading: null }));
  fs.writeFileSync(file, rows.map((row) => JSON.stringify(row)).join('\n'));
  datasetId = (await bench.api.datasets.add({ file })).id;
});
afterEach(() => bench.close());

/** Asks its question about the last word of the text; `before` may hold it up or throw. */
function service(before: (text: string) => Promise<void> | void = () => undefined): DraftService {
  const open = async (): Promise<AskedModel> => ({
    async ask(messages) {
      const text = messages[0]!.content.split('\n')[0]!;
      await before(text);
      if (messages.length === 1) return `Question: What is ${text}\n\nIs there more?`;
      return `<think>The question is ${messages[1]!.content}</think>\nIt is ${text}`;
    },
    end: () => undefined,
  });
  return new DraftService({ ...bench.services, open });
}

const start = (drafts: DraftService, more: object = {}): Promise<DraftSet> =>
  drafts.start(startDraftsSchema.parse({ datasetId, modelId, ...more }));

async function written(drafts: DraftService, id: string): Promise<DraftSet> {
  await expect.poll(() => drafts.get(id).writing, { timeout: 30_000 }).toBe(false);
  return drafts.get(id);
}

describe('drafts', () => {
  it('are a question and an answer for each text, with where it comes from', async () => {
    const drafts = service();
    const { id, states } = await start(drafts, { count: 2 });
    expect(states).toHaveLength(2);
    expect((await written(drafts, id)).states).toEqual(['drafted', 'drafted']);
    expect(drafts.row(id, 1)).toEqual({
      ...{ text: 'Two.', source: 'a.pdf', page: 2, heading: null },
      ...{ state: 'drafted', question: 'What is Two.', answer: 'It is Two.', problem: null },
    });
  });

  it('become a dataset of those that were accepted, as they were edited', async () => {
    const drafts = service();
    const { id } = await start(drafts);
    await written(drafts, id);
    await expect(drafts.finish({ id })).rejects.toMatchObject({ code: 'DRAFTS_NONE_ACCEPTED' });
    drafts.change({ id, index: 0, state: 'rejected', question: 'x', answer: 'y' });
    drafts.change({ id, index: 2, state: 'accepted', question: 'Which is the third?', answer: 'Three.' });
    expect(() => drafts.change({ id, index: 1, state: 'accepted', question: ' ', answer: 'y' })).toThrow(/empty/);
    const dataset = await drafts.finish({ id });
    expect(dataset).toMatchObject({ rows: 1, name: 'Questions on texts.jsonl' });
    expect(JSON.parse(fs.readFileSync(dataset.file, 'utf8'))).toEqual({
      prompt: 'Which is the third?',
      completion: 'Three.',
      source: 'a.pdf',
      page: 3,
      heading: null,
    });
  });

  it('can be left, and gone on with by another process, also after a line that was cut off', async () => {
    const first = service((text) => {
      if (text === 'Three.') throw new GraftError('WORKER_CRASHED', 'It is gone.');
    });
    const { id } = await start(first);
    const stopped = await written(first, id);
    expect(stopped).toMatchObject({ states: ['drafted', 'drafted', 'waiting'], problem: 'It is gone.' });
    first.change({ id, index: 0, state: 'accepted', question: 'Q', answer: 'A' });
    fs.appendFileSync(path.join(bench.services.home.draftsDir, id, 'changes.jsonl'), '\n{"index":1,"state":"rejec');

    const second = service();
    expect(second.list().map((set) => set.id)).toEqual([id]);
    expect(second.get(id).states).toEqual(['accepted', 'drafted', 'waiting']);
    second.goOn(id);
    expect((await written(second, id)).states).toEqual(['accepted', 'drafted', 'drafted']);
    expect(second.row(id, 0)).toMatchObject({ question: 'Q', answer: 'A' });
  });

  it('are written by one model at a time, which can be stopped', async () => {
    const held = Promise.withResolvers<void>();
    const drafts = service(() => held.promise);
    const { id } = await start(drafts);
    await expect(start(drafts)).rejects.toMatchObject({ code: 'DRAFTS_BUSY' });
    expect(drafts.stop(id).writing).toBe(false);
    held.resolve();
    await new Promise(setImmediate);
    expect(draftCounts(drafts.get(id).states)).toEqual({ waiting: 3, drafted: 0, accepted: 0, rejected: 0 });
  });

  it('keep why the model could not write one, and go on', async () => {
    const drafts = service((text) => {
      if (text === 'Two.') throw new GraftError('PROMPT_TOO_LONG', 'The prompt has 9 tokens.');
    });
    const { id } = await start(drafts);
    expect((await written(drafts, id)).states).toEqual(['drafted', 'drafted', 'drafted']);
    expect(drafts.row(id, 1)).toMatchObject({
      question: '',
      answer: '',
      problem: expect.stringContaining('too long for the model'),
    });
  });

  it('go with their folder', async () => {
    const drafts = service();
    const { id } = await start(drafts);
    await written(drafts, id);
    drafts.remove(id);
    expect(fs.readdirSync(bench.services.home.draftsDir)).toEqual([]);
    expect(() => drafts.get(id)).toThrow(/no drafts/);
  });

  it('need texts, not questions and answers', async () => {
    const file = path.join(bench.dir, 'pairs.jsonl');
    fs.writeFileSync(file, '{"prompt":"a","completion":"b"}\n');
    const { id } = await bench.api.datasets.add({ file });
    await expect(start(service(), { datasetId: id })).rejects.toMatchObject({ code: 'DRAFTS_NEED_TEXT' });
  });

  it('are written by the starter model in a worker', async () => {
    const { drafts } = bench.services;
    const { id } = await start(drafts, { count: 1 });
    await expect.poll(() => drafts.get(id).writing, { timeout: 120_000 }).toBe(false);
    const set = drafts.get(id);
    expect(set).toMatchObject({ states: ['drafted'], problem: null });
    const { question, answer, problem } = drafts.row(id, 0);
    expect(problem).toBeNull();
    expect(question + answer).not.toBe('');
  });
});
