/** A judge of what two subjects have answered, through the API with a real worker; what it is asked, and refused. */
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { JudgeReport } from '../../../src-shared/judge.ts';
import { MODEL, openBench, type TestBench } from '../../../test-support/rigs/services.ts';

let bench: TestBench;
beforeEach(() => (bench = openBench()));
afterEach(() => bench.close());

const ANSWERS = {
  first: ['It is 1.', 'It is 2.', 'It is 3.', 'x'.repeat(2000)],
  second: ['One.', 'It is 2.', 'Once there was a cat.', 'It is 4.'],
};

/** A suite that two subjects have answered as above. */
async function answered(): Promise<{ id: string; judgeModelId: string }> {
  const rows = ANSWERS.first.map((_, i) => ({ prompt: `${i} + 1?`, completion: ` It is ${i + 1}.` }));
  const file = path.join(bench.dir, 'sums.jsonl');
  fs.writeFileSync(file, rows.map((row) => JSON.stringify(row)).join('\n'));
  const { id: datasetId } = await bench.api.datasets.add({ file, name: 'sums' });
  const { id } = await bench.api.suites.add({ name: 'Sums', dataset: { datasetId }, metrics: ['exactMatch'] });
  const { id: modelId } = await bench.api.models.add({ dir: MODEL });
  for (const [subjectId, texts] of Object.entries(ANSWERS))
    bench.services.catalog.suites.putResult({
      ...{ suiteId: id, subjectId, name: subjectId, modelId, adapterId: subjectId, scores: {}, askedAs: null },
      ...{ contamination: null, problems: 0, engine: 'wasm', createdAt: new Date().toISOString(), statistics: {} },
      answers: texts.map((text) => ({ text })),
    });
  return { id, judgeModelId: modelId };
}

async function report(asked: { id: string; judgeModelId: string }): Promise<JudgeReport> {
  const { job } = await bench.api.suites.judge({ ...asked, subjectIds: ['first', 'second'], rubric: 'Be right.' });
  const shares: number[] = [];
  for await (const event of bench.services.suiteJudge.watch(job)) {
    if (event.type === 'progress') shares.push(event.done / event.total);
    if (event.type === 'done') return event.result;
  }
  throw new Error('it had no end');
}

it('chooses between the answers to each question, and says how far it is to be trusted', async () => {
  const asked = await answered();
  const before = await report(asked);
  expect(before.wins + before.losses + before.undecided).toBe(3);
  expect(before).toMatchObject({ problems: 1, rubric: 'Be right.', trust: { enough: false } });
  // What is the same in both places cannot be preferred.
  expect(before.chosen[1]).toBe('undecided');
  expect(before.chosen[3]).toBeNull();

  const pairs = ANSWERS.first
    .slice(0, 3)
    .map((chosen, i) => ({ prompt: `${i} + 1?`, chosen, rejected: ANSWERS.second[i]! }));
  bench.services.catalog.choices.putPairs(pairs, 'vote', new Date().toISOString());
  const { agreement, chosen } = await report(asked);
  // The user's choices are put without what would be right, so its word on them may be another.
  expect(agreement.choices).toBe(3);
  expect(agreement.same + agreement.other + agreement.undecided).toBe(3);
  expect(agreement.undecided).toBeGreaterThanOrEqual(1);
  expect(chosen).toEqual(before.chosen);
});

it('refuses subjects that have answered nothing, and a judge that is not there', async () => {
  const asked = await answered();
  const judge = (changes: object) =>
    bench.api.suites.judge({ ...asked, subjectIds: ['first', 'second'] as [string, string], ...changes });
  await expect(judge({ subjectIds: ['first', 'nobody'] })).rejects.toThrow(/nobody has not been measured/);
  await expect(judge({ judgeModelId: 'model-0' })).rejects.toThrow(/model-0/);
  await expect(judge({ id: 'suite-0' })).rejects.toThrow(/no suite suite-0/);
});
