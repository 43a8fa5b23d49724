/** What a small model holds by A and B, beside the probabilities that the playground shows. */
import path from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../../test-support/fixtures/folders.ts';
import { TINY_LLAMA, writeTinyModel } from '../../../test-support/fixtures/tinyModel.ts';
import { judgeQuestion } from '../../evaluation/judge.ts';
import { CallControl } from '../control.ts';
import { Resident } from '../serve/resident.ts';
import { judge } from './judge.ts';

const PAIR = { prompt: 'ab', first: 'one', second: 'two', references: ['three'] };

it('reads the odds of the two letters after the question, in both orders, and says what does not fit', async () => {
  const config = { ...TINY_LLAMA, max_position_embeddings: 400 };
  const modelDir = await writeTinyModel(path.join(temporaryFolder(), 'm'), { config });
  const events: number[] = [];
  const pairs = [PAIR, { ...PAIR, first: 'x'.repeat(500) }];
  const found = await judge(
    { engine: 'wasm', modelDir, rubric: 'Be strict.', pairs },
    ({ done }) => events.push(done),
    new CallControl(),
  );
  expect(events).toEqual([1, 2]);
  expect(found[1]).toEqual({ problem: expect.stringMatching(/longer than the judge sees/) as string });
  const resident = new Resident();
  await resident.load({ engine: 'wasm', modelDir });
  const odds: number[] = [];
  for (const answers of [['one', 'two'] as const, ['two', 'one'] as const]) {
    // A token per byte: the space is written, then the letter.
    const prompt = `${judgeQuestion(PAIR, answers, 'Be strict.')}\n\nBetter answer: `;
    const params = { prompt, maxNew: 1, temperature: 0, probabilities: true, named: 300 };
    const { probabilities } = await resident.generate(params, () => undefined, new CallControl());
    const p = (letter: string): number => probabilities![0]!.top.find(({ text }) => text === letter)!.p;
    odds.push(Math.log(p('A')) - Math.log(p('B')));
  }
  const [got] = found;
  if (!got || !('odds' in got)) throw new Error('it was put to the judge');
  got.odds.forEach((value, i) => expect(value).toBeCloseTo(odds[i]!, 4));
});

it('ends where it is stopped', async () => {
  const modelDir = await writeTinyModel(path.join(temporaryFolder(), 'm'));
  const control = new CallControl();
  control.ask('stop');
  await expect(
    judge({ engine: 'wasm', modelDir, rubric: 'r', pairs: [PAIR] }, () => undefined, control),
  ).rejects.toMatchObject({ code: 'CANCELLED' });
});
