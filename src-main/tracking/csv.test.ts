import { parse } from 'csv-parse/sync';
import { expect, it } from 'vitest';
import { csvFiles } from './csv.ts';

it('is read back by another reader, quotes and line breaks included', () => {
  const step = { step: 1, lr: 1e-7, gradNorm: 1, tokensPerSecond: 9.5, memoryBytes: 5, elapsedMs: 2, atMs: 0 };
  const files = csvFiles({
    id: 'r',
    name: 'n',
    task: 't',
    status: 'completed',
    tags: [],
    notes: '',
    startedMs: 0,
    endedMs: null,
    settings: { 'data.file': '/a "b", c\n.jsonl', 'train.keepBest': true },
    results: { final_train_loss: 0.1 + 0.2 },
    steps: [
      { ...step, loss: 1 / 3 },
      { ...step, step: 2, loss: NaN },
    ],
    evaluations: [{ step: 0, valLoss: 2.5, atMs: 0 }],
  });
  const read = (name: string) => parse(files[name]!, { columns: true }) as Record<string, string>[];
  expect(read('steps.csv').map(({ step, train_loss }) => [step, train_loss])).toEqual([
    ['1', '0.3333333333333333'],
    ['2', ''],
  ]);
  expect(read('steps.csv')[0]).toMatchObject({ learning_rate: '1e-7', recorded_at: '1970-01-01T00:00:00.000Z' });
  expect(read('evaluations.csv')).toEqual([{ step: '0', validation_loss: '2.5' }]);
  expect(read('settings.csv')).toEqual([
    { setting: 'data.file', value: '/a "b", c\n.jsonl' },
    { setting: 'train.keepBest', value: 'true' },
  ]);
  expect(read('results.csv')).toEqual([{ result: 'final_train_loss', value: '0.30000000000000004' }]);
});
