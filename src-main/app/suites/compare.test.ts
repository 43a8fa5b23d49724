/** Comparisons of results that were made by hand. */
import { describe, expect, it } from 'vitest';
import type { SuiteResult } from '../../catalog/suites.ts';
import type { Suite, SuiteQuestion } from '../../../src-shared/suites.ts';
import { compareResults, scoresOf } from './compare.ts';

const SUITE: Suite = {
  id: 's',
  name: 'facts',
  afterTaskId: null,
  createdAt: '2026-01-01',
  spec: {
    datasetId: 'd',
    datasetName: 'data',
    version: 1,
    rows: { kind: 'all' },
    task: 'answer',
    metrics: ['exactMatch', 'loss'],
    generation: { maxNew: 8, temperature: 0, seed: 0, stop: [] },
    plan: { kind: 'completion', columns: {} },
    questions: 4,
    general: { datasetId: 'g', datasetName: 'other', version: 1, plan: { kind: 'text', columns: {} }, rows: 2 },
  },
};
const QUESTIONS = ['a', 'b', 'c', 'd'].map((prompt, i): SuiteQuestion => ({
  line: i + 1,
  prompt,
  references: [prompt.toUpperCase()],
  values: {},
}));

/** Four rows that are right or wrong, their losses over 2 tokens each, and two rows of the general set. */
function result(name: string, right: number[], losses: number[], more: Partial<SuiteResult> = {}): SuiteResult {
  return {
    suiteId: 's',
    subjectId: name,
    modelId: 'm',
    adapterId: name,
    name,
    scores: {},
    askedAs: 'none',
    contamination: { exact: [], prompt: [], ngram: [], trainRows: 9 },
    problems: 0,
    engine: 'wasm',
    createdAt: '2026-01-01',
    answers: right.map((one, i) => ({ text: one ? 'ABCD'[i]! : `${name} ${i}` })),
    statistics: {
      exactMatch: right.map((one) => [100 * one]),
      loss: losses.map((loss) => [2 * loss, 2]),
      generalLoss: [
        [3, 1],
        [5, 3],
      ],
    },
    ...more,
  };
}

const OPTIONS = { clean: false, mostRows: 10 };
const compare = (results: SuiteResult[], options: object = {}) =>
  compareResults(SUITE, { questions: QUESTIONS }, results, { ...OPTIONS, ...options });

describe('a comparison', () => {
  const base = result('base', [1, 0, 0, 0], [1, 2, 3, 4]);
  const tuned = result('tuned', [0, 1, 1, 0], [1, 1, 1, 5]);

  it('has scores, differences to the first, and rows won, tied and lost', async () => {
    const { subjects, metrics } = await compare([base, tuned]);
    expect(metrics).toEqual(['exactMatch', 'loss', 'generalLoss']);
    expect(subjects[0]!.scores).toEqual({ exactMatch: 25, loss: 2.5, generalLoss: 2 });
    expect(subjects[0]!.differences).toBeUndefined();
    expect(subjects[1]!.differences).toMatchObject({
      exactMatch: { value: 25, wins: 2, ties: 1, losses: 1 },
      // Lower is better: two rows won, one lost.
      loss: { value: -0.5, wins: 2, ties: 1, losses: 1 },
      generalLoss: { value: 0, low: 0, high: 0, wins: 0, ties: 2, losses: 0 },
    });
    const { low, high } = subjects[1]!.differences!.exactMatch!;
    expect([low! < 25, high! > 25]).toEqual([true, true]);
    expect(scoresOf(SUITE.spec, tuned.statistics)).toEqual({ exactMatch: 50, loss: 2, generalLoss: 2 });
  });

  it('tells the rows that differ, those that changed most first', async () => {
    const { rows, rowMetric, differing } = await compare([base, tuned], { rowMetric: 'loss' });
    expect(rowMetric).toBe('loss');
    expect(rows.map(({ number, scores }) => [number, scores])).toEqual([
      [2, [3, 1]],
      [1, [2, 1]],
      [3, [4, 5]],
      [0, [1, 1]],
    ]);
    expect(differing).toBe(4);
    expect((await compare([base, tuned], { mostRows: 1 })).rows).toHaveLength(1);
    // The same answers with the same scores are no difference, nor is one subject by itself.
    const again = { ...base, subjectId: 'again', statistics: base.statistics };
    expect((await compare([base, again])).differing).toBe(0);
    expect((await compare([base])).rows).toEqual([]);
  });

  it('leaves out what one of the subjects was trained on, and warns of it', async () => {
    const trained = { ...tuned, contamination: { exact: [1], prompt: [], ngram: [2], trainRows: 9 } };
    const all = await compare([base, trained]);
    expect(all.warnings).toEqual([
      expect.stringMatching(/^2 of 4 questions overlap .*tuned.*1 the same row/) as string,
    ]);
    expect(all.rows.filter(({ contaminated }) => contaminated).map(({ number }) => number)).toEqual([1, 2]);
    const clean = await compare([base, trained], { clean: true });
    expect(clean.subjects.map(({ scores }) => scores.exactMatch)).toEqual([50, 0]);
    expect(clean.subjects[1]!.scores.generalLoss).toBe(2);
    expect(clean.warnings).toEqual([expect.stringMatching(/^2 of 4 questions left out/) as string]);
    const everything = { ...tuned, contamination: { exact: [0, 1, 2, 3], prompt: [], ngram: [], trainRows: 9 } };
    await expect(compare([base, everything], { clean: true })).rejects.toMatchObject({ code: 'SUITE_NOT_COMPARED' });
  });

  it('warns of what is not known, not answered, or asked otherwise', async () => {
    const other = { ...tuned, contamination: { unknown: 'its file is gone' }, problems: 2, askedAs: 'chatml' as const };
    expect((await compare([base, other])).warnings).toEqual([
      expect.stringMatching(/not known: its file is gone/) as string,
      expect.stringMatching(/could not be asked 2 questions/) as string,
      expect.stringMatching(/different prompt templates/) as string,
    ]);
  });
});
