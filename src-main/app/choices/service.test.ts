import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createServices } from '../services.ts';
import type { ChoiceService } from './service.ts';

let dir: string;
let services: ReturnType<typeof createServices>;
let choices: ChoiceService;

beforeEach(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-choices-'));
  services = createServices({ home: dir, takeQueued: false });
  ({ choices } = services);
});
afterEach(async () => {
  await services.close();
  fs.rmSync(dir, { recursive: true, force: true });
});

const linesOf = (file: string): unknown[] =>
  fs
    .readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);

const CHAT = [
  { role: 'user' as const, content: 'Hello' },
  { role: 'assistant' as const, content: 'Hi' },
  { role: 'user' as const, content: 'And now?' },
];

it('a vote chooses the best answer over each that says something else', () => {
  choices.vote('Why?', ['so', 'thus', ' so ', ''], 0);
  expect(choices.counts()).toMatchObject({ pairs: 1, good: 0, bad: 0 });
  choices.vote('Why?', ['so', 'thus'], 1);
  expect(services.catalog.choices.pairs()).toEqual([{ prompt: 'Why?', chosen: 'thus', rejected: 'so' }]);
});

it('the last edit of an answer counts; one that changes nothing, or leaves nothing, is refused', () => {
  choices.edit({ prompt: CHAT, original: 'no', edited: 'no, not yet' });
  choices.edit({ prompt: CHAT, original: 'no', edited: 'not yet' });
  expect(services.catalog.choices.pairs()).toEqual([{ prompt: CHAT, chosen: 'not yet', rejected: 'no' }]);
  expect(() => choices.edit({ prompt: 'q', original: 'a', edited: ' a\n' })).toThrow('The answer is as it was');
  expect(() => choices.edit({ prompt: 'q', original: 'a', edited: ' ' })).toThrow('The answer is empty');
});

it('a thumb can be turned and taken back', () => {
  choices.mark({ prompt: 'q', answer: 'a', good: true });
  expect(choices.mark({ prompt: 'q', answer: 'a', good: false })).toMatchObject({ good: 0, bad: 1 });
  expect(choices.mark({ prompt: 'q', answer: 'a', good: null })).toMatchObject({ good: 0, bad: 0 });
});

it('pairs become a dataset, and what comes later its next version, both read as pairs', async () => {
  await expect(choices.makeDataset('pairs')).rejects.toThrow('There are no choices yet');
  choices.vote('Why?', ['so', 'thus'], 0);
  choices.edit({ prompt: CHAT, original: 'no', edited: 'not yet' });
  const first = await choices.makeDataset('pairs');
  expect(linesOf(first.file)).toEqual([
    { prompt: 'Why?', chosen: 'so', rejected: 'thus' },
    { prompt: CHAT, chosen: 'not yet', rejected: 'no' },
  ]);
  expect([first.rows, first.badRows, first.version]).toEqual([2, 0, 1]);
  expect((await services.datasets.look({ id: first.id })).kind).toBe('preference');
  expect((await choices.makeDataset('pairs')).version).toBe(1);
  choices.vote('Where?', ['here', 'there'], 1);
  const second = await choices.makeDataset('pairs');
  expect([second.id, second.version, second.rows]).toEqual([first.id, 2, 3]);
  expect(linesOf(second.file).at(-1)).toEqual({ prompt: 'Where?', chosen: 'there', rejected: 'here' });
  expect(choices.counts().datasets).toEqual({ pairs: { id: first.id, name: first.name, version: 2 }, marks: null });
  expect(fs.readdirSync(path.dirname(second.file))).toEqual(['v2.jsonl']);
});

it('thumbs become rows that KTO can learn', async () => {
  choices.mark({ prompt: 'q', answer: 'a', good: true });
  choices.mark({ prompt: CHAT, answer: 'b', good: false });
  const made = await choices.makeDataset('marks');
  expect(linesOf(made.file)).toEqual([
    { prompt: 'q', completion: 'a', label: true },
    { prompt: CHAT, completion: 'b', label: false },
  ]);
  expect(made.badRows).toBe(0);
  expect(await services.datasets.shape({ id: made.id })).toEqual({ kind: 'completion', marked: true });
});

it('a dataset that was removed is made anew', async () => {
  choices.vote('Why?', ['so', 'thus'], 0);
  const first = await choices.makeDataset('pairs');
  services.datasets.remove(first.id);
  const second = await choices.makeDataset('pairs');
  expect(second.id).not.toBe(first.id);
  expect(second.rows).toBe(1);
});

it('what was chosen is there after a restart', async () => {
  choices.vote('Why?', ['so', 'thus'], 0);
  await services.close();
  const db = new Database(path.join(dir, 'graft.db'), { readonly: true });
  expect(db.prepare('SELECT prompt, chosen, rejected, origin FROM choice_pairs').all()).toEqual([
    { prompt: '"Why?"', chosen: 'so', rejected: 'thus', origin: 'vote' },
  ]);
  db.close();
  services = createServices({ home: dir, takeQueued: false });
  expect(services.choices.counts().pairs).toBe(1);
});

it('prompts are drawn by a seed, each once, without those that have a choice', async () => {
  const add = (name: string, rows: readonly object[]) => {
    const file = path.join(dir, name);
    fs.writeFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    return services.datasets.add({ file, map: {}, allowBadRows: true });
  };
  const rows = Array.from({ length: 12 }, (_, i) => ({ prompt: `Prompt ${i >> 1}`, completion: `answer ${i}` }));
  const { id: datasetId } = await add('rows.jsonl', rows);
  const all = await choices.prompts({ datasetId, count: 100, seed: 1 });
  expect(all.prompts.toSorted()).toEqual([0, 1, 2, 3, 4, 5].map((i) => `Prompt ${i}`));
  expect(await choices.prompts({ datasetId, count: 3, seed: 1 })).toEqual({
    prompts: all.prompts.slice(0, 3),
    decided: 0,
  });
  expect((await choices.prompts({ datasetId, count: 100, seed: 2 })).prompts).not.toEqual(all.prompts);
  choices.vote([{ role: 'user', content: all.prompts[1] as string }], ['so', 'thus'], 0);
  expect(await choices.prompts({ datasetId, count: 2, seed: 1 })).toEqual({
    prompts: [all.prompts[0], all.prompts[2]],
    decided: 1,
  });
  const answered = [...CHAT, { role: 'assistant', content: 'Later' }];
  const chats = await add('chats.jsonl', [{ messages: answered }]);
  expect((await choices.prompts({ datasetId: chats.id, count: 5, seed: 0 })).prompts).toEqual([CHAT]);
  const texts = await add('texts.jsonl', [{ text: 'Once upon a time.' }]);
  await expect(choices.prompts({ datasetId: texts.id, count: 5, seed: 0 })).rejects.toThrow('texts without a prompt');
});
