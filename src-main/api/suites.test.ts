/** Suites through the API with a real worker: what is asked, kept, compared, refused. */
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openBench, smallRun, type TestBench } from '../../test-support/rigs/services.ts';
import { writeTinyModel } from '../../test-support/fixtures/tinyModel.ts';

let bench: TestBench;
beforeEach(() => (bench = openBench()));
afterEach(() => bench.close());

/** Questions with one answer each, and two of one question. */
const ROWS = [
  ...Array.from({ length: 18 }, (_, i) => ({ prompt: `What is ${i} and one?`, completion: ` It is ${i + 1}.` })),
  { prompt: 'What is 0 and one?', completion: ' One.' },
  { prompt: 'What is 0 and one?', completion: ' It is 1. ' },
];

async function dataset(rows: readonly object[] = ROWS, name = 'facts'): Promise<string> {
  const file = path.join(bench.dir, `${name}.jsonl`);
  fs.writeFileSync(file, rows.map((row) => JSON.stringify(row)).join('\n'));
  return (await bench.api.datasets.add({ file, name })).id;
}

/** Trains a small adapter on a dataset; its run and base. */
async function trained(datasetId: string) {
  const run = await smallRun(bench, { steps: 4, evalEvery: 4 });
  const { id: runId } = await bench.api.runs.start({ ...run, datasetId });
  await expect
    .poll(async () => (await bench.api.runs.get({ id: runId })).status, { timeout: 60_000 })
    .toBe('completed');
  const adapter = (await bench.api.adapters.list({})).find((one) => one.runId === runId);
  return { runId, modelId: run.modelId, adapterId: adapter!.id };
}

async function measure(id: string, subjects: { modelId?: string; adapterId: string | null }[]): Promise<number[]> {
  const shares: number[] = [];
  await bench.api.suites.run({ id, subjects, engine: 'wasm' });
  for await (const event of bench.services.suites.watch(id))
    if (event.type === 'progress') shares.push(event.done / event.total);
  return shares;
}

describe('a suite', () => {
  it('asks each question once, with all its answers, and stays as it is when the file changes', async () => {
    const datasetId = await dataset();
    const suite = await bench.api.suites.add({ name: 'All', dataset: { datasetId } });
    expect(suite.spec).toMatchObject({ questions: 18, task: 'answer', version: 1 });
    expect(suite.spec.metrics).toContain('bleu');
    fs.rmSync(path.join(bench.dir, 'facts.jsonl'));
    const [first] = await bench.api.suites.questions({ id: suite.id });
    expect(first).toEqual({ line: 1, prompt: 'What is 0 and one?', references: [' It is 1.', ' One.'] });
    expect((await bench.api.suites.get({ id: 'All' })).id).toBe(suite.id);
  });

  it('takes the metrics that suit the answers: JSON, labels', async () => {
    const json = await dataset(
      ROWS.slice(0, 5).map(({ prompt }, i) => ({ prompt, completion: `{"n": ${i}}` })),
      'json',
    );
    const labels = await dataset(
      ROWS.slice(0, 16).map(({ prompt }, i) => ({ prompt, completion: i % 2 ? 'odd' : ' even' })),
      'labels',
    );
    const suited = async (datasetId: string, name: string) =>
      (await bench.api.suites.add({ name, dataset: { datasetId } })).spec;
    expect((await suited(json, 'a')).metrics).toEqual(['exactMatch', 'jsonValid', 'jsonFields', 'loss']);
    expect(await suited(labels, 'b')).toMatchObject({
      metrics: ['exactMatch', 'accuracy', 'macroF1', 'loss'],
      labels: ['even', 'odd'],
    });
    const choice = { name: 'c', task: 'choice' as const, dataset: { datasetId: labels } };
    const [question] = await bench.api.suites.questions({ id: (await bench.api.suites.add(choice)).id });
    expect(question!.choices).toEqual([' even', 'odd']);
  });

  it('draws the same sample by the same seed', async () => {
    const datasetId = await dataset();
    const lines = async (name: string, seed: number): Promise<number[]> => {
      const rows = { kind: 'sample' as const, count: 6, seed };
      const { id } = await bench.api.suites.add({ name, dataset: { datasetId }, rows });
      return (await bench.api.suites.questions({ id })).map(({ line }) => line);
    };
    const first = await lines('a', 1);
    expect(first).toHaveLength(6);
    expect(await lines('b', 1)).toEqual(first);
    expect(await lines('c', 2)).not.toEqual(first);
  });

  it('measures base and adapter, keeps it over a restart, and compares without running again', async () => {
    const datasetId = await dataset(ROWS.slice(0, 18));
    const { runId, modelId, adapterId } = await trained(datasetId);
    const rows = { kind: 'heldOut' as const, runId };
    const general = { datasetId: await dataset([{ text: 'A text.' }, { text: 'Another one.' }], 'texts') };
    const suite = await bench.api.suites.add({ name: 'Held', rows, general, generation: { maxNew: 4 } });
    const shares = await measure(suite.id, [{ adapterId: null }, { adapterId }]);
    expect(shares.at(-1)).toBe(1);
    await bench.reopen();
    const { subjects, metrics, warnings } = await bench.api.suites.compare({ id: suite.id });
    expect(subjects.map(({ subjectId }) => subjectId)).toEqual([modelId, adapterId]);
    expect(metrics).toContain('generalLoss');
    // Its loss on the rows that the run has kept for validation is the run's own validation loss.
    const { result } = await bench.api.runs.get({ id: runId });
    expect(subjects[1]!.scores.loss).toBeCloseTo(result!.valLoss!, 4);
    expect(subjects[0]!.scores.loss).toBeCloseTo(result!.initialValLoss!, 4);
    expect(subjects[1]!.contamination).toMatchObject({ exact: [], prompt: [] });
    expect(subjects[1]!.differences!.loss!.value).toBeCloseTo(result!.valLoss! - result!.initialValLoss!, 4);
    expect(warnings.filter((warning) => !warning.includes('13 words'))).toEqual([]);
    await expect(bench.api.suites.compare({ id: suite.id, subjectIds: ['nobody'] })).rejects.toMatchObject({
      message: expect.stringMatching(/nobody has not been measured/) as string,
    });
    // The adapter has learnt, so the way back to its base would be a loss.
    const { id: taskId } = (await bench.api.tasks.list())[0]!;
    expect(await bench.api.suites.regressions({ taskId, adapterId: null })).toEqual([
      expect.stringMatching(/is worse than .* on the suite Held: .*Loss \+0\.\d{4} \(\+/) as string,
    ]);
    expect(await bench.api.suites.regressions({ taskId, adapterId })).toEqual([]);
    await bench.api.suites.remove({ id: suite.id });
    expect(await bench.api.suites.list()).toEqual([]);
    expect(await bench.api.suites.regressions({ taskId, adapterId: null })).toEqual([]);
  });

  it('measures each new adapter of a task once its run has ended, where that is wished', async () => {
    const datasetId = await dataset();
    const first = await trained(datasetId);
    const generation = { maxNew: 3 };
    const suite = await bench.api.suites.add({ name: 'Each', dataset: { datasetId }, generation, metrics: ['bleu'] });
    const { id: taskId } = (await bench.api.tasks.list())[0]!;
    expect(await bench.api.suites.measureAfter({ id: suite.id, taskId })).toMatchObject({ afterTaskId: taskId });
    const { runId, adapterId } = await trained(datasetId);
    expect(adapterId).not.toBe(first.adapterId);
    const measured = async () => (await bench.api.suites.get({ id: suite.id })).results.map((one) => one.subjectId);
    await expect.poll(measured, { timeout: 60_000 }).toEqual([first.modelId, adapterId]);
    const log = async () => (await bench.api.runs.log({ id: runId })).map(({ message }) => message);
    await expect
      .poll(log)
      .toContainEqual(expect.stringMatching(/^Measured by the suite Each: BLEU \d+\.\d\.$/) as string);
    expect(await bench.api.suites.measureAfter({ id: suite.id, taskId: null })).toMatchObject({ afterTaskId: null });
  });

  it('keeps nothing of a run that is cancelled', async () => {
    const datasetId = await dataset();
    const model = await bench.api.models.add({ dir: await writeTinyModel(path.join(bench.dir, 'model')) });
    const generation = { maxNew: 4000 };
    const suite = await bench.api.suites.add({ name: 'Long', dataset: { datasetId }, generation });
    const run = () =>
      bench.api.suites.run({ id: suite.id, subjects: [{ modelId: model.id, adapterId: null }], engine: 'wasm' });
    await run();
    await expect(run()).rejects.toThrow(/Long is being run already/);
    expect(await bench.api.suites.cancel({ id: suite.id })).toEqual({ cancelled: true });
    expect((await bench.api.suites.get({ id: suite.id })).results).toEqual([]);
    await expect(bench.api.suites.compare({ id: suite.id })).rejects.toThrow(/run it first/);
  });
});

describe('a suite is refused', () => {
  it('with one clear sentence each', async () => {
    const datasetId = await dataset();
    const texts = await dataset([{ text: 'A text.' }, { text: 'Another.' }], 'texts');
    const add = (more: object) => bench.api.suites.add({ name: 'x', dataset: { datasetId }, ...more });
    await add({ name: 'taken' });
    await expect(add({ name: 'taken' })).rejects.toThrow(/a suite "taken" already/);
    await expect(add({ dataset: { datasetId: texts } })).rejects.toThrow(/texts without a question/);
    await expect(add({ metrics: ['acc'] })).rejects.toThrow(/acc does not go with a task of answers/);
    await expect(add({ metrics: ['pattern'] })).rejects.toThrow(/needs a pattern/);
    await expect(add({ metrics: ['pattern'], pattern: '(' })).rejects.toThrow(/pattern for answers is none/);
    await expect(add({ metrics: ['jsonFields'] })).rejects.toThrow(/answer in line 1 is no JSON/);
    await expect(add({ task: 'choice', choicesColumn: 'options' })).rejects.toThrow(/options in line 1 holds no list/);
    await expect(add({ rows: { kind: 'heldOut', runId: 'run-x' } })).rejects.toThrow(/no run run-x/);
    await expect(add({ dataset: undefined })).rejects.toThrow(/Name the dataset/);
    expect(await bench.api.suites.list()).toHaveLength(1);
  });

  it('for subjects on different bases, and for none that is there', async () => {
    const { adapterId } = await trained(await dataset());
    const other = await bench.api.models.add({
      dir: await writeTinyModel(path.join(bench.dir, 'other'), { seed: 9 }),
    });
    const { id } = await bench.api.suites.add({ name: 'x', dataset: { datasetId: await dataset(ROWS, 'again') } });
    const run = (subjects: { modelId?: string; adapterId: string | null }[]) => bench.api.suites.run({ id, subjects });
    await expect(run([{ adapterId }, { modelId: other.id, adapterId: null }])).rejects.toThrow(/different base models/);
    await expect(run([{ adapterId: 'adapter-x' }])).rejects.toThrow(/no adapter adapter-x/);
    await expect(run([{ adapterId: null }])).rejects.toThrow(/Name the base model/);
    await expect(bench.api.suites.get({ id: 'none' })).rejects.toThrow(/no suite "none"/);
  });
});
